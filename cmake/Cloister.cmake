# How every folder of the project is built: one static library per folder, linked along the lines of docs/architecture.md.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_LINKER_TYPE MOLD)

add_library(cloister_options INTERFACE)
configure_file(${CMAKE_SOURCE_DIR}/crypto/test_build.hpp.in ${CMAKE_BINARY_DIR}/configured/crypto/test_build.hpp)
target_include_directories(cloister_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/configured)
target_compile_options(cloister_options INTERFACE
  -Wall -Wextra -Werror -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wimplicit-fallthrough -Wcast-qual -Wformat=2 -ffp-contract=off)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(cloister_options INTERFACE -fhardened -Wno-hardened)
  endif()
  target_link_options(cloister_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -pie)
endif()
target_compile_definitions(cloister_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED CLOISTER_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_FLAGS MATCHES "fsanitize=thread")
  # Thread sanitizer does not know fences (GCC says so and stops); Asio's queues hold without them there.
  target_compile_definitions(cloister_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  # The ring that a vendor's process shares has fences of its own; what is on its other side no sanitizer sees anyhow.
  # What it puts in makes GCC see values unset that are not, and Asio's frames of coroutines deleted by another function
  # than allocated them; the other builds look for those.
  target_compile_options(cloister_options INTERFACE -Wno-tsan -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# cloister_library(NAME [PUBLIC target...] [PRIVATE target...]): the .cpp files of the current folder, as cloister_NAME.
function(cloister_library name)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(cloister_${name} STATIC ${sources} ${headers})
    target_link_libraries(cloister_${name} PUBLIC cloister_options ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  else()
    add_library(cloister_${name} INTERFACE ${headers})
    target_link_libraries(cloister_${name} INTERFACE cloister_options ${arg_PUBLIC} ${arg_PRIVATE})
  endif()
endfunction()

# Waits for others more than it computes: in a build with sanitizers it is what is quick at being compiled.
function(cloister_mostly_waits target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
endfunction()

# Talks to people: what it is quick at is being compiled.
function(cloister_seldom_run target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  cloister_mostly_waits(${target})
endfunction()

# cloister_program(NAME target...): main.cpp of the current folder, as the program NAME in bin/.
function(cloister_program name)
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  target_link_libraries(${name} PRIVATE cloister_options ${ARGN})
endfunction()
