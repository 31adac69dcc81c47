# Slicer writes here how other extensions find this one.
file(WRITE "${CMAKE_BINARY_DIR}/${PROJECT_NAME}Config.cmake" "set(${PROJECT_NAME}_FOUND TRUE)\n")
