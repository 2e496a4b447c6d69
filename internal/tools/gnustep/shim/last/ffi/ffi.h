/* Apple keeps libffi's header in a folder; Debian does not. */
#include <ffi.h>
