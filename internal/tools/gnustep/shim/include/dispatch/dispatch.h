/* As much of Grand Central Dispatch as darwinkit asks for. */
#ifndef DKSHIM_DISPATCH_H
#define DKSHIM_DISPATCH_H

#include <stdint.h>

typedef void *dispatch_object_t;
typedef void *dispatch_queue_t;
typedef void (^dispatch_block_t)(void);

dispatch_queue_t dispatch_get_main_queue(void);
dispatch_queue_t dispatch_get_global_queue(intptr_t, uintptr_t);
void dispatch_retain(dispatch_object_t);
void dispatch_release(dispatch_object_t);
void dispatch_async(dispatch_queue_t, dispatch_block_t);
void dispatch_sync(dispatch_queue_t, dispatch_block_t);

#endif
