package hub

import (
	"context"
	"fmt"
	"os"
	"time"

	"ttsui/internal/testkit/fakehub"
)

// childEnv makes the test binary pull a model into the cache it names, from a hub on the sockets in childSockets.
const (
	childEnv     = "TTSUI_HUB_CHILD"
	childSockets = "TTSUI_HUB_SOCKETS"
)

func runChild() int {
	f := NewFetcher(func(key string) string {
		return map[string]string{"HF_HUB_CACHE": os.Getenv(childEnv), "HF_ENDPOINT": "http://hub"}[key]
	})
	f.Transport.DialContext = fakehub.Dialer(os.Getenv(childSockets))
	f.Retry.First = time.Millisecond
	if _, err := f.Pull(context.Background(), id, "", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
