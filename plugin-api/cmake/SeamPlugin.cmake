# SPDX-License-Identifier: Apache-2.0
#
# seam_add_plugin(NAME SOURCES file… CARD card.json)
#
# Builds NAME.so, a plugin: a module that exports seam_plugin_v1 alone, imports nothing that it does
# not link, and carries its card in the section .seam.card. The card and the schema files that it
# names ({"$ref": "file.json"}, see seam-card) are followed: to edit one is to rebuild the plugin.
# The target is called NAME too; link further libraries to it as to any other.
function(seam_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "CARD" "SOURCES")
    if(NOT arg_SOURCES OR NOT arg_CARD OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "usage: seam_add_plugin(NAME SOURCES file… CARD card.json)")
    endif()
    cmake_path(ABSOLUTE_PATH arg_CARD NORMALIZE)
    if(NOT EXISTS "${arg_CARD}")
        message(FATAL_ERROR "seam_add_plugin(${name}): there is no card ${arg_CARD}")
    endif()

    set(here "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    if("C" IN_LIST languages)
        set(embedded "${CMAKE_CURRENT_BINARY_DIR}/${name}.card.c")
    else()
        set(embedded "${CMAKE_CURRENT_BINARY_DIR}/${name}.card.cpp")
    endif()
    add_custom_command(
        OUTPUT "${embedded}"
        COMMAND sh "${here}/seam-card" "${arg_CARD}" "${embedded}" "${embedded}.d"
        DEPENDS "${arg_CARD}" "${here}/seam-card"
        DEPFILE "${embedded}.d"
        COMMENT "Embedding the card of ${name}"
        VERBATIM)

    add_library(${name} MODULE ${arg_SOURCES} "${embedded}")
    target_link_libraries(${name} PRIVATE seam::plugin-api)
    set_target_properties(${name} PROPERTIES
        PREFIX ""
        SUFFIX ".so"
        C_VISIBILITY_PRESET hidden
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON
        LINK_DEPENDS "${here}/seam-plugin.map")
    if(SEAM_PLUGIN_OUTPUT_DIRECTORY)
        set_target_properties(${name} PROPERTIES
            LIBRARY_OUTPUT_DIRECTORY "${SEAM_PLUGIN_OUTPUT_DIRECTORY}")
    endif()
    target_link_options(${name} PRIVATE "LINKER:--version-script=${here}/seam-plugin.map")

    # A sanitizer's runtime is found when the host is started, so there its names stay open.
    get_directory_property(link_options LINK_OPTIONS)
    if(NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS} ${link_options}"
       MATCHES "-fsanitize")
        target_link_options(${name} PRIVATE "LINKER:-z,defs")
    endif()
endfunction()
