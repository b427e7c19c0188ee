# SPDX-License-Identifier: Apache-2.0
#
# Three Debian packages, by `cpack` or `./dev package`: seam, the host; seam-plugin-dev, what an
# author of plugins needs and all of it, without the host; seam-plugins, the plugins that come with
# it. What a program is linked to, dpkg-shlibdeps finds; what it opens when it needs it stands here.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME seam)
set(CPACK_PACKAGE_VENDOR Seam)
set(CPACK_PACKAGE_CONTACT "The maintainers of Seam <maintainers@seam.invalid>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL host plugin-api plugins)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(CPACK_DEBIAN_HOST_PACKAGE_NAME seam)
set(CPACK_DEBIAN_HOST_PACKAGE_DEPENDS "libcurl4, libmicrohttpd12")
set(CPACK_DEBIAN_HOST_PACKAGE_RECOMMENDS "ca-certificates, seam-plugins")
set(CPACK_DEBIAN_HOST_PACKAGE_SUGGESTS "seam-plugin-dev, sqlite3")
set(CPACK_COMPONENT_HOST_DESCRIPTION "host for agents that come as shared objects
Runs flows of agents once, within budget, with every decision explained: it checks
what passes between them, journals what it decides, and asks a person by a defined
path when the rules run out.")

set(CPACK_DEBIAN_PLUGIN-API_PACKAGE_NAME seam-plugin-dev)
set(CPACK_DEBIAN_PLUGIN-API_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PLUGIN-API_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_PLUGIN-API_PACKAGE_DEPENDS "mawk | awk, pkg-config | pkgconf")
set(CPACK_DEBIAN_PLUGIN-API_PACKAGE_RECOMMENDS "gcc | c-compiler, libc6-dev, make, seam")
set(CPACK_DEBIAN_PLUGIN-API_PACKAGE_SUGGESTS "cmake, g++, rustc")
set(CPACK_COMPONENT_PLUGIN-API_DESCRIPTION "headers and templates for plugins of seam
The C header of the ABI, helpers that need libc alone, the embedding of cards for
pkg-config and CMake, and what `seam new` makes plugins and flows from.")

set(CPACK_DEBIAN_PLUGINS_PACKAGE_NAME seam-plugins)
set(CPACK_DEBIAN_PLUGINS_PACKAGE_RECOMMENDS seam)
set(CPACK_COMPONENT_PLUGINS_DESCRIPTION "plugins that come with seam
Agents to begin with, in /usr/lib/seam/plugins; a manifest names those that it runs.")

foreach(component ${CPACK_COMPONENTS_ALL})
    string(TOUPPER ${component} upper)
    install(FILES ${CMAKE_SOURCE_DIR}/LICENSE RENAME copyright COMPONENT ${component}
            DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
endforeach()

include(CPack)
