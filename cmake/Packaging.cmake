# `make deb`: the Debian packages cloister (the service and its command), cloister-dashboard (its metrics) and cloister-sim (the
# simulated fibre).

include(GNUInstallDirs)
set(units ${CMAKE_SOURCE_DIR}/image/units)

install(TARGETS cloisterd cloister-netd DESTINATION sbin COMPONENT cloister)
install(TARGETS cloisterctl cloister-verify DESTINATION bin COMPONENT cloister)
# The second looks for the first beside it.
install(TARGETS cloister-hal-host cloister-hal-check DESTINATION sbin COMPONENT cloister)
install(FILES hal/plugin/cloister_hal.h DESTINATION include COMPONENT cloister)
install(FILES ${units}/cloister.service ${units}/cloister-network.service ${units}/cloister-network.socket ${units}/cloister-hal.socket
  ${units}/cloister-hal@.service DESTINATION lib/systemd/system COMPONENT cloister)
install(FILES ${units}/cloister.sysusers DESTINATION lib/sysusers.d RENAME cloister.conf COMPONENT cloister)
install(FILES ${units}/cloister.tmpfiles DESTINATION lib/tmpfiles.d RENAME cloister.conf COMPONENT cloister)
install(FILES docs/examples/geneva.yaml docs/examples/paris.yaml docs/examples/finished-keys.yaml DESTINATION share/doc/cloister/examples COMPONENT cloister)
install(FILES README.md DESTINATION share/doc/cloister COMPONENT cloister)
install(DIRECTORY docs DESTINATION share/doc/cloister COMPONENT cloister PATTERN docs/man EXCLUDE)

install(TARGETS cloister-fibre DESTINATION bin COMPONENT cloister-sim)
install(FILES ${units}/cloister-fibre.service DESTINATION lib/systemd/system COMPONENT cloister-sim)

install(TARGETS cloister-dashboard DESTINATION bin COMPONENT cloister-dashboard)
install(FILES ${units}/cloister-dashboard.service ${units}/cloister-dashboard.socket DESTINATION lib/systemd/system COMPONENT cloister-dashboard)
install(FILES docs/how-to/monitoring.md docs/monitoring/alerts.yaml docs/monitoring/grafana.json DESTINATION share/doc/cloister-dashboard
  COMPONENT cloister-dashboard)

# The shells' completion, as the program itself describes its command line.
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/completion/bash ${CMAKE_BINARY_DIR}/completion/zsh
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/completion
  COMMAND cloisterctl completion bash > ${CMAKE_BINARY_DIR}/completion/bash
  COMMAND cloisterctl completion zsh > ${CMAKE_BINARY_DIR}/completion/zsh
  DEPENDS cloisterctl VERBATIM)
add_custom_target(completion DEPENDS ${CMAKE_BINARY_DIR}/completion/bash)
install(FILES ${CMAKE_BINARY_DIR}/completion/bash DESTINATION share/bash-completion/completions RENAME cloisterctl COMPONENT cloister)
install(FILES ${CMAKE_BINARY_DIR}/completion/zsh DESTINATION share/zsh/vendor-completions RENAME _cloisterctl COMPONENT cloister)

include(ManualPages)

# The licence and the changes, where Debian looks for them: the product's changes, and those of its packages.
file(STRINGS image/debian/changelog debian_changelog LIMIT_COUNT 1)
if(NOT debian_changelog MATCHES "^cloister \\(${PROJECT_VERSION}-1\\)")
  message(FATAL_ERROR "image/debian/changelog begins with '${debian_changelog}': add an entry for ${PROJECT_VERSION}-1")
endif()
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/changelog.gz COMMAND ${GZIP} -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md > ${CMAKE_BINARY_DIR}/changelog.gz
  DEPENDS ${CMAKE_SOURCE_DIR}/CHANGELOG.md VERBATIM)
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/changelog.Debian.gz
  COMMAND ${GZIP} -9nc ${CMAKE_SOURCE_DIR}/image/debian/changelog > ${CMAKE_BINARY_DIR}/changelog.Debian.gz
  DEPENDS ${CMAKE_SOURCE_DIR}/image/debian/changelog VERBATIM)
add_custom_target(packaging ALL DEPENDS programs completion manual_pages ${CMAKE_BINARY_DIR}/changelog.gz ${CMAKE_BINARY_DIR}/changelog.Debian.gz)
foreach(package cloister cloister-dashboard cloister-sim)
  install(FILES image/debian/copyright DESTINATION share/doc/${package} COMPONENT ${package})
  install(FILES ${CMAKE_BINARY_DIR}/changelog.gz ${CMAKE_BINARY_DIR}/changelog.Debian.gz DESTINATION share/doc/${package} COMPONENT ${package})
endforeach()

# What of lintian's words does not hold here, each with its reason.
foreach(package cloister cloister-dashboard cloister-sim)
  install(FILES image/debian/${package}.overrides DESTINATION share/lintian/overrides RENAME ${package} COMPONENT ${package})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL cloister cloister-dashboard cloister-sim)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_SOURCE_DIR}/build/packages)
set(CPACK_PACKAGE_CONTACT "Cloister maintainers <maintainers@cloister.invalid>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_CLOISTER_PACKAGE_NAME cloister)
set(CPACK_DEBIAN_CLOISTER_DESCRIPTION "The service drives the QKD device, distils its detections into secret keys
 and spends them in its own VPN, so that no key leaves the box.")
set(CPACK_COMPONENT_CLOISTER_DESCRIPTION ${CPACK_DEBIAN_CLOISTER_DESCRIPTION})
set(CPACK_DEBIAN_CLOISTER_PACKAGE_DEPENDS "tpm-udev, systemd")
set(CPACK_DEBIAN_CLOISTER_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/image/debian/postinst ${CMAKE_SOURCE_DIR}/image/debian/prerm ${CMAKE_SOURCE_DIR}/image/debian/postrm)
set(CPACK_DEBIAN_CLOISTER_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_CLOISTER-DASHBOARD_PACKAGE_NAME cloister-dashboard)
set(CPACK_DEBIAN_CLOISTER-DASHBOARD_DESCRIPTION "Metrics of the Cloister service, for Prometheus
 served by an unprivileged process that can reach nothing but the
 status of the service.")
set(CPACK_COMPONENT_CLOISTER-DASHBOARD_DESCRIPTION ${CPACK_DEBIAN_CLOISTER-DASHBOARD_DESCRIPTION})
set(CPACK_DEBIAN_CLOISTER-DASHBOARD_PACKAGE_DEPENDS "cloister (= ${PROJECT_VERSION}-1)")
set(CPACK_DEBIAN_CLOISTER-DASHBOARD_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/image/debian/dashboard/postinst
  ${CMAKE_SOURCE_DIR}/image/debian/dashboard/prerm ${CMAKE_SOURCE_DIR}/image/debian/dashboard/postrm)
set(CPACK_DEBIAN_CLOISTER-DASHBOARD_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_CLOISTER-SIM_PACKAGE_NAME cloister-sim)
set(CPACK_DEBIAN_CLOISTER-SIM_DESCRIPTION "The simulated fibre: a process that joins the simulated devices of two boxes,
 with losses, noise and an eavesdropper, for tests and demonstrations.")
set(CPACK_COMPONENT_CLOISTER-SIM_DESCRIPTION ${CPACK_DEBIAN_CLOISTER-SIM_DESCRIPTION})
set(CPACK_DEBIAN_CLOISTER-SIM_PACKAGE_DEPENDS "cloister")
set(CPACK_DEBIAN_CLOISTER-SIM_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/image/debian/sim/postinst
  ${CMAKE_SOURCE_DIR}/image/debian/sim/prerm ${CMAKE_SOURCE_DIR}/image/debian/sim/postrm)
set(CPACK_DEBIAN_CLOISTER-SIM_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
