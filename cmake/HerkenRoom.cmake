# SPDX-License-Identifier: GPL-3.0-or-later
#
# herken_room(NAME SOURCES ... [LIBS ...]) makes the OBJECT library hk_NAME from the sources in the
# calling folder. LIBS are imported targets of other projects. Which rooms may include which is
# held by tests/arrows.sh.
function(herken_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LIBS" ${ARGN})
  add_library(hk_${name} OBJECT ${ROOM_SOURCES})
  target_include_directories(hk_${name} PUBLIC ${CMAKE_SOURCE_DIR}/engine
                                               ${CMAKE_SOURCE_DIR}/engine/include)
  target_link_libraries(hk_${name} PUBLIC ${ROOM_LIBS})
endfunction()

# herken_isa(FILE FLAGS...) builds one file for one instruction set. The rest of the room stays on
# the baseline, and the choice is made at run time.
function(herken_isa file)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${ARGN}")
  endif()
endfunction()
