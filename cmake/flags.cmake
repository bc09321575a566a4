# SPDX-License-Identifier: Apache-2.0
# How all of our own code is compiled.  Generated code (csi.pb-c.c) takes fl_sanitize alone.

add_library(fl_sanitize INTERFACE)
if(FL_SANITIZE)
	target_compile_options(fl_sanitize INTERFACE -fsanitize=${FL_SANITIZE} -fno-omit-frame-pointer
		-fno-sanitize-recover=all)
	target_link_options(fl_sanitize INTERFACE -fsanitize=${FL_SANITIZE})
endif()

add_library(fl_flags INTERFACE)
target_compile_definitions(fl_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
	FL_VERSION="${PROJECT_VERSION}")
target_compile_options(fl_flags INTERFACE -Wall -Wextra -Wshadow -Wvla -Wconversion
	-Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -fvisibility=default
	-fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	target_compile_options(fl_flags INTERFACE -Wformat-truncation)
endif()
if(FL_WERROR)
	target_compile_options(fl_flags INTERFACE -Werror)
endif()
target_include_directories(fl_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_link_libraries(fl_flags INTERFACE fl_sanitize)
