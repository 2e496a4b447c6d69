/* Stands before the system's <ffi/ffi.h>, by -I, and mends what darwinkit does with results that are narrower than a
   register: libffi writes all of a register, darwinkit gives it the Go value's own one, two or four bytes, and the rest
   lands in the neighbours' memory. See README.md in the folder above. */
#include_next <ffi/ffi.h>

#ifndef TTSUI_FFI_WIDE_RESULTS
#define TTSUI_FFI_WIDE_RESULTS
#include <string.h>

/* Structures and nothing at all are returned as they are: only scalars are widened. The first bytes of the register are
   the value on every system that we build for, as all are little-endian. */
static inline void ttsui_ffi_call(ffi_cif *cif, void (*function)(void), void *result, void **arguments) {
  int widened = cif->rtype->type != FFI_TYPE_STRUCT && cif->rtype->type != FFI_TYPE_VOID && cif->rtype->size < sizeof(ffi_arg);
  if (!widened) {
    ffi_call(cif, function, result, arguments);
    return;
  }
  ffi_arg wide = 0;
  ffi_call(cif, function, &wide, arguments);
  memcpy(result, &wide, cif->rtype->size);
}
#define ffi_call(cif, function, result, arguments) ttsui_ffi_call(cif, (void (*)(void))(function), result, arguments)
#endif
