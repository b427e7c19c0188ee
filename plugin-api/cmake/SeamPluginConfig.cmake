# find_package(SeamPlugin 1): the headers, as target seam::plugin-api, and the function
# seam_add_plugin(). The version is that of the ABI.
include("${CMAKE_CURRENT_LIST_DIR}/SeamPluginTargets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/SeamPlugin.cmake")
