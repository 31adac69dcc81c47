# A stand-in for the package that a built 3D Slicer gives to its extensions: the names that an extension
# of scripted modules uses, with the rules by which Slicer's own macros copy and install files.
set(Slicer_VERSION "5.12")
set(Slicer_USE_PYTHONQT TRUE)
set(Slicer_LAUNCHER_EXECUTABLE "Slicer")

set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-${Slicer_VERSION}/qt-scripted-modules")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
set(Slicer_SHARE_DIR "share/Slicer-${Slicer_VERSION}")

set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/GenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/Package.cmake")
