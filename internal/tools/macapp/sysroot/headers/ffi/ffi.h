// libffi as macOS has it on arm64: what darwinkit/objc/ffi uses of it.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t ffi_arg;
typedef int64_t ffi_sarg;

typedef enum ffi_abi {
	FFI_FIRST_ABI = 0,
	FFI_SYSV,
	FFI_LAST_ABI,
	FFI_DEFAULT_ABI = FFI_SYSV,
} ffi_abi;

typedef enum {
	FFI_OK = 0,
	FFI_BAD_TYPEDEF,
	FFI_BAD_ABI,
} ffi_status;

#define FFI_TYPE_VOID 0
#define FFI_TYPE_STRUCT 13

typedef struct _ffi_type {
	size_t size;
	unsigned short alignment;
	unsigned short type;
	struct _ffi_type **elements;
} ffi_type;

extern ffi_type ffi_type_void, ffi_type_pointer, ffi_type_float, ffi_type_double;
extern ffi_type ffi_type_uint8, ffi_type_uint16, ffi_type_uint32, ffi_type_uint64;
extern ffi_type ffi_type_sint8, ffi_type_sint16, ffi_type_sint32, ffi_type_sint64;

// The callers allocate these two, so their sizes must be the library's.
typedef struct {
	ffi_abi abi;
	unsigned nargs;
	ffi_type **arg_types;
	ffi_type *rtype;
	unsigned bytes;
	unsigned flags;
	unsigned aarch64_nfixedargs;
} ffi_cif;

typedef void ffi_closure_function(ffi_cif *, void *result, void **args, void *user_data);

typedef struct {
	void *trampoline_table;
	void *trampoline_table_entry;
	ffi_cif *cif;
	ffi_closure_function *fun;
	void *user_data;
} ffi_closure;

ffi_status ffi_prep_cif(ffi_cif *, ffi_abi, unsigned nargs, ffi_type *result, ffi_type **args);
void ffi_call(ffi_cif *, void (*function)(void), void *result, void **args);
void *ffi_closure_alloc(size_t, void **code);
void ffi_closure_free(void *);
ffi_status ffi_prep_closure_loc(ffi_closure *, ffi_cif *, ffi_closure_function *, void *user_data, void *code);
