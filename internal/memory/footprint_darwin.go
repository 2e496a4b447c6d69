//go:build darwin && cgo

package memory

// #include <mach/mach.h>
//
// static int footprint(unsigned long long *bytes) {
//   task_vm_info_data_t info;
//   mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
//   if (task_info(mach_task_self(), TASK_VM_INFO, (task_info_t)&info, &count) != KERN_SUCCESS) return 0;
//   if (count < TASK_VM_INFO_REV1_COUNT) return 0;
//   *bytes = info.phys_footprint;
//   return 1;
// }
import "C"

// Footprint is what macOS charges this process with, as its Activity Monitor shows it: Metal's buffers are part of it.
// Known is false on other systems and in builds without cgo. Not yet run on a Mac.
func Footprint() (bytes uint64, known bool) {
	var n C.ulonglong
	known = C.footprint(&n) != 0
	return uint64(n), known
}
