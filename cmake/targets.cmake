# SPDX-License-Identifier: Apache-2.0
# The kinds of targets there are.  A layer is an object library: whoever links it has every object
# of it, so that a backend loaded later finds all functions of base/ and backends/.

# fl_layer(NAME LIBRARIES … SOURCES …): one folder of the program.
function(fl_layer name)
	cmake_parse_arguments(L "" "" "LIBRARIES;SOURCES" ${ARGN})
	add_library(${name} OBJECT ${L_SOURCES})
	target_link_libraries(${name} PUBLIC fl_flags ${L_LIBRARIES})
endfunction()

# fl_backend(NAME LIBRARIES … SOURCES …): build/backends/NAME.so.  It links its own libraries only;
# base and the interface come from the program that loads it.
function(fl_backend name)
	cmake_parse_arguments(B "" "" "LIBRARIES;SOURCES" ${ARGN})
	add_library(backend_${name} MODULE ${B_SOURCES})
	target_link_libraries(backend_${name} PRIVATE fl_flags ${B_LIBRARIES})
	# Its own functions are found in itself first: a program's function of the same name is another.
	target_link_options(backend_${name} PRIVATE -Wl,-Bsymbolic)
	set_target_properties(backend_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
		LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/backends)
	install(TARGETS backend_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/fairlead/backends)
endfunction()

# fl_program(NAME LAYERS … SOURCES …): an executable whose symbols backends can use.
# An object library's objects do not pass through a second one, so all layers are named.
function(fl_program name)
	cmake_parse_arguments(P "" "" "LAYERS;SOURCES" ${ARGN})
	add_executable(${name} ${P_SOURCES})
	target_link_libraries(${name} PRIVATE fl_flags ${P_LAYERS})
	set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)
endfunction()

# fl_test(RING NAME LAYERS … SOURCES …): a program that prints TAP; CTest name RING/NAME.
function(fl_test ring name)
	fl_program(test_${ring}_${name} ${ARGN})
	add_test(NAME ${ring}/${name} COMMAND test_${ring}_${name})
	set_tests_properties(${ring}/${name} PROPERTIES LABELS ${ring} SKIP_RETURN_CODE 77
		TIMEOUT 300 ENVIRONMENT "FAIRLEAD_BACKENDS=${PROJECT_BINARY_DIR}/backends")
endfunction()
