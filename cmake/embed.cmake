# embed_file(TARGET SYMBOL FILE) puts the bytes of a file into a target, so that the program needs no
# data files at run time. A C file that says
#     extern const unsigned char SYMBOL[];   the bytes and a NUL behind them
#     extern const size_t SYMBOL_size;       without the NUL
# can read them. It is an array, not a string literal: C promises only 4095 characters of those.
# This same file is the script that makes the array, when it is run by `cmake -P`.
if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${IN} hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
    file(WRITE ${OUT} "/* Made of ${NAME} by cmake/embed.cmake. */
#include <stddef.h>
extern const unsigned char ${SYMBOL}[];
extern const size_t ${SYMBOL}_size;
const unsigned char ${SYMBOL}[] = {
${hex}0};
const size_t ${SYMBOL}_size = sizeof(${SYMBOL}) - 1;
")
    return()
endif()

set(EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(embed_file TARGET SYMBOL FILE)
    if(NOT TARGET ${TARGET})
        return()
    endif()
    get_filename_component(file ${FILE} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
    get_filename_component(name ${FILE} NAME)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${SYMBOL}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${out} -DNAME=${name} -DSYMBOL=${SYMBOL}
                -P ${EMBED_SCRIPT}
        DEPENDS ${file} ${EMBED_SCRIPT} VERBATIM)
    target_sources(${TARGET} PRIVATE ${out})
endfunction()
