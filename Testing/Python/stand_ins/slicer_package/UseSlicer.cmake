# The macros for scripted modules. As in Slicer: what is listed is copied into the build tree, each file
# under the relative path that it was listed with; scripts are byte-compiled there; and the folder in
# the build tree is installed, whole.
if(NOT DEFINED Slicer_PYTHON_EXECUTABLE)
  message(FATAL_ERROR "Slicer_PYTHON_EXECUTABLE: the interpreter that byte-compiles the scripts")
endif()

option(BUILD_TESTING "Add the tests" ON)
if(BUILD_TESTING)
  enable_testing()
endif()

# Copy one listed file; its target is appended to the list named by `copied`.
macro(_slicer_copy file to copied)
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    message(FATAL_ERROR "slicerMacroBuildScriptedModule was given '${file}', which does not exist")
  endif()
  add_custom_command(
    OUTPUT "${to}/${file}"
    COMMAND ${CMAKE_COMMAND} -E copy "${CMAKE_CURRENT_SOURCE_DIR}/${file}" "${to}/${file}"
    DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${file}"
    )
  list(APPEND ${copied} "${to}/${file}")
endmacro()

function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS OR NOT DEFINED MY_NAME OR NOT MY_SCRIPTS)
    message(FATAL_ERROR "slicerMacroBuildScriptedModule takes NAME, SCRIPTS, RESOURCES: '${ARGN}'")
  endif()

  # Without WITH_SUBDIR the contents of the folder are installed, with it the folder.
  set(to "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
  set(installed "${to}/")
  if(MY_WITH_SUBDIR)
    get_filename_component(folder "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
    set(to "${to}/${folder}")
    set(installed "${to}")
  endif()

  set(scripts)
  foreach(file IN LISTS MY_SCRIPTS)
    get_filename_component(extension "${file}" EXT)
    if(NOT extension MATCHES "py")
      set(file "${file}.py")
    endif()
    _slicer_copy("${file}" "${to}" scripts)
  endforeach()
  set(resources)
  foreach(file IN LISTS MY_RESOURCES)
    _slicer_copy("${file}" "${to}" resources)
  endforeach()

  set(list_of_scripts "${CMAKE_CURRENT_BINARY_DIR}/${MY_NAME}_scripts.txt")
  list(JOIN scripts "\n" lines)
  file(WRITE "${list_of_scripts}" "${lines}\n")
  set(compiled "${CMAKE_CURRENT_BINARY_DIR}/${MY_NAME}_compiled")
  add_custom_command(
    OUTPUT "${compiled}"
    COMMAND "${Slicer_PYTHON_EXECUTABLE}" -m compileall -q -i "${list_of_scripts}"
    COMMAND ${CMAKE_COMMAND} -E touch "${compiled}"
    DEPENDS ${scripts}
    )
  add_custom_target(Compile${MY_NAME}PythonFiles ALL DEPENDS ${resources} "${compiled}")

  install(DIRECTORY "${installed}"
    DESTINATION "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}" COMPONENT RuntimeLibraries
    USE_SOURCE_PERMISSIONS
    )

  if(BUILD_TESTING AND MY_WITH_GENERIC_TESTS)
    slicer_add_python_unittest(
      SCRIPT qSlicer${MY_NAME}ModuleGenericTest.py
      SLICER_ARGS --no-main-window --disable-cli-modules
      TESTNAME_PREFIX nomainwindow_
      )
  endif()
endfunction()

function(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS" ${ARGN})
  get_filename_component(name "${MY_SCRIPT}" NAME_WE)
  add_test(
    NAME py_${MY_TESTNAME_PREFIX}${name}
    COMMAND ${Slicer_LAUNCHER_EXECUTABLE} --no-splash --testing ${MY_SLICER_ARGS} --python-code ${name}
    )
endfunction()
