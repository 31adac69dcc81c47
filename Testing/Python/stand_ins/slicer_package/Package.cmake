# The description that Slicer's package of an extension carries. As in Slicer, the values are handed on
# unquoted to a function, so that a semicolon would cut one off.
foreach(name README_FILE LICENSE_FILE)
  if(NOT EXISTS "${EXTENSION_${name}}")
    message(FATAL_ERROR "EXTENSION_${name} points to '${EXTENSION_${name}}', which does not exist")
  endif()
endforeach()

set(_names HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS KEYWORDS TIER)

function(_slicer_write_description)
  cmake_parse_arguments(MY "" "${_names}" "" ${ARGN})
  set(lines "")
  foreach(name IN LISTS _names)
    string(TOLOWER "${name}" keyword)
    string(APPEND lines "${keyword} ${MY_${name}}\n")
  endforeach()
  file(WRITE "${CMAKE_BINARY_DIR}/${PROJECT_NAME}.s4ext" "${lines}")
endfunction()

set(_values)
foreach(name IN LISTS _names)
  list(APPEND _values ${name} ${EXTENSION_${name}})
endforeach()
_slicer_write_description(${_values})

install(FILES "${CMAKE_BINARY_DIR}/${PROJECT_NAME}.s4ext"
  DESTINATION "${Slicer_SHARE_DIR}" COMPONENT RuntimeLibraries
  )
