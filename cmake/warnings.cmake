# What every target of the project is compiled with; gcc and clang are both clean.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion
                    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
                    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
                    $<$<COMPILE_LANGUAGE:C>:-Wswitch-enum>)
if(SEAM_WERROR)
    add_compile_options(-Werror)
endif()
if(SEAM_SANITIZE)
    add_compile_options(-fsanitize=${SEAM_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    # clang complains of NULL + 0, which an empty list gives and C2y allows; gcc does not.
    add_compile_options($<$<C_COMPILER_ID:Clang>:-fno-sanitize=pointer-overflow>)
    # Of the symbols, what names a line in a report is enough, and little optimizing: half of such a
    # build is for more. It warns of what the other builds know better (see the presets).
    add_compile_options(-O1 -g1)
    add_link_options(-fsanitize=${SEAM_SANITIZE})
endif()
