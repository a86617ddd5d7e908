# The manual pages, as the programs themselves describe their command lines: build/PRESET/man/NAME.SECTION.gz.

find_program(GZIP gzip REQUIRED)
set(manual_folder ${CMAKE_BINARY_DIR}/man)
set(manual_pages)

# manual_page(COMPONENT NAME.SECTION [PROGRAM argument...]): printed by a program, or a file of docs/man.
function(manual_page component page)
  set(made ${manual_folder}/${page})
  if(ARGN)
    list(GET ARGN 0 program)
    add_custom_command(OUTPUT ${made}.gz
      COMMAND ${CMAKE_COMMAND} -E make_directory ${manual_folder}
      COMMAND ${ARGN} > ${made}
      COMMAND ${GZIP} -9nf ${made}
      DEPENDS ${program} VERBATIM)
  else()
    add_custom_command(OUTPUT ${made}.gz
      COMMAND ${CMAKE_COMMAND} -E make_directory ${manual_folder}
      COMMAND ${GZIP} -9nc ${CMAKE_SOURCE_DIR}/docs/man/${page} > ${made}.gz
      DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/${page} VERBATIM)
  endif()
  string(REGEX MATCH "[0-9]$" section ${page})
  install(FILES ${made}.gz DESTINATION share/man/man${section} COMPONENT ${component})
  set(manual_pages ${manual_pages} ${made}.gz PARENT_SCOPE)
endfunction()

manual_page(cloister cloisterctl.1 cloisterctl --manual man)
manual_page(cloister cloister-verify.1 cloister-verify --manual man)
manual_page(cloister cloister.yaml.5 cloisterctl config reference --man)
manual_page(cloister cloisterd.8 cloisterd --manual man)
manual_page(cloister cloister-netd.8 cloister-netd --manual man)
manual_page(cloister cloister-hal-check.8 cloister-hal-check --manual man)
manual_page(cloister cloister-hal-host.8)
manual_page(cloister-sim cloister-fibre.1 cloister-fibre --manual man)
manual_page(cloister-dashboard cloister-dashboard.8 cloister-dashboard --manual man)
add_custom_target(manual_pages ALL DEPENDS ${manual_pages})
