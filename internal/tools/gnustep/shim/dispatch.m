/* Two queues: the main one, drained by the main run loop, and a global one, where each block gets a thread. */
#define DKSHIM
#define _GNU_SOURCE
#import <Foundation/Foundation.h>
#import <AppKit/AppKit.h>
#import <dispatch/dispatch.h>
#import <Block.h>
#import <fcntl.h>
#import <pthread.h>
#import <stdio.h>
#import <unistd.h>

static int mainQueue, globalQueue; /* their addresses are the queues */

dispatch_queue_t dispatch_get_main_queue(void) { return &mainQueue; }
dispatch_queue_t dispatch_get_global_queue(intptr_t priority, uintptr_t flags) { return &globalQueue; }
void dispatch_retain(dispatch_object_t queue) {}
void dispatch_release(dispatch_object_t queue) {}

typedef struct Task {
  dispatch_block_t block;
  int *done; /* where the sender waits, or NULL */
  struct Task *next;
} Task;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static Task *first, **end = &first;
static int wakeUp[2] = {-1, -1}; /* a pipe that the main run loop listens to */

static void run(Task *task) {
  NSAutoreleasePool *pool = [NSAutoreleasePool new];
  task->block();
  Block_release(task->block);
  [pool release];
  pthread_mutex_lock(&lock);
  if (task->done) *task->done = 1;
  pthread_cond_broadcast(&ended);
  pthread_mutex_unlock(&lock);
  free(task);
}

static void wake(void) {
  char byte = 0;
  if (write(wakeUp[1], &byte, 1) < 0) {} /* a full pipe wakes as well */
}

/* drain runs what waits now; what comes meanwhile waits for the next turn, as events do. As in GCD it never runs within
   a task: a modal loop that a task starts holds the queue up. */
static void drain(void) {
  static BOOL draining;
  if (draining) return;
  draining = YES;
  pthread_mutex_lock(&lock);
  Task *turn = first;
  first = NULL;
  end = &first;
  pthread_mutex_unlock(&lock);
  while (turn) {
    Task *task = turn;
    turn = task->next;
    run(task);
  }
  draining = NO;
  pthread_mutex_lock(&lock);
  if (first) wake();
  pthread_mutex_unlock(&lock);
}

@interface DKShimMainQueue : NSObject <RunLoopEvents>
@end

@implementation DKShimMainQueue
+ (void) listen {
  NSString *modes[] = {NSDefaultRunLoopMode, NSModalPanelRunLoopMode, NSEventTrackingRunLoopMode};
  id listener = [self new];
  for (int i = 0; i < 3; i++)
    [[NSRunLoop currentRunLoop] addEvent: (void *)(intptr_t)wakeUp[0] type: ET_RDESC watcher: listener forMode: modes[i]];
}
- (void) receivedEvent: (void *)data type: (RunLoopEventType)type extra: (void *)extra forMode: (NSString *)mode {
  char bytes[256];
  while (read(wakeUp[0], bytes, sizeof bytes) > 0) {}
  drain();
}
@end

/* openQueue makes the pipe, and has the main thread listen to it. */
static void openQueue(void) {
  if (pipe2(wakeUp, O_NONBLOCK | O_CLOEXEC) != 0) abort();
  NSAutoreleasePool *pool = [NSAutoreleasePool new];
  [DKShimMainQueue performSelectorOnMainThread: @selector(listen) withObject: nil waitUntilDone: NO];
  [pool release];
}

static void *runOnThread(void *task) {
  GSRegisterCurrentThread();
  run(task);
  GSUnregisterCurrentThread();
  return NULL;
}

static void enqueue(dispatch_queue_t queue, Task *task) {
  if (queue != &mainQueue) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, runOnThread, task) != 0) abort();
    pthread_detach(thread);
    return;
  }
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, openQueue);
  pthread_mutex_lock(&lock);
  *end = task;
  end = &task->next;
  wake();
  pthread_mutex_unlock(&lock);
}

static Task *newTask(dispatch_block_t block, int *done) {
  Task *task = malloc(sizeof *task);
  *task = (Task){Block_copy(block), done, NULL};
  return task;
}

void dispatch_async(dispatch_queue_t queue, dispatch_block_t block) { enqueue(queue, newTask(block, NULL)); }

void dispatch_sync(dispatch_queue_t queue, dispatch_block_t block) {
  if (queue == &mainQueue && getpid() == gettid()) {
    fprintf(stderr, "dkshim: dispatch_sync to the main queue from the main thread waits for itself\n");
    abort();
  }
  int done = 0;
  enqueue(queue, newTask(block, &done));
  pthread_mutex_lock(&lock);
  while (!done) pthread_cond_wait(&ended, &lock);
  pthread_mutex_unlock(&lock);
}
