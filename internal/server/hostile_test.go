package server_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/server"
	"ttsui/internal/testkit"
	"ttsui/internal/testkit/attack"
)

// TestHostileRequests: whatever is sent, the answer is no bare 500, nothing is lost, and the server goes on.
func TestHostileRequests(t *testing.T) {
	folder := t.TempDir()
	dir, err := attack.LayBait(folder)
	if err != nil {
		t.Fatal(err)
	}
	clip, err := os.ReadFile(testkit.Golden("clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	s, addr, log := serve(t, server.Guard{}, dir)
	target := attack.Target{Addr: addr.String(), Base: folder, Models: []string{base, custom, custom}, Clip: clip}
	for _, e := range endpoints(t, s) {
		target.Endpoints = append(target.Endpoints, attack.Endpoint{Method: e.method, Path: e.path})
	}
	a := attack.New(1, target)
	statuses := map[int]int{}
	tame := func() bool { // some answers are rare among so many endpoints
		return slices.ContainsFunc([]int{200, 400, 403, 404, 405, 413, 415}, func(want int) bool { return statuses[want] == 0 })
	}
	for i := 0; i < 1000 || i < 5000 && tame(); i++ {
		raw := a.Request()
		status, err := a.Fire(raw)
		if err != nil {
			t.Errorf("request %d, %.2000q: %v", i, raw, err)
		}
		statuses[status]++
	}
	t.Logf("answers by status: %v", statuses)
	if tame() {
		t.Error("an answer is missing: the attack is too tame")
	}
	if err := attack.CheckBait(folder); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"| CRITICAL |", "Internal error"} {
		if strings.Contains(log.String(), bad) {
			t.Errorf("the log has %q", bad)
		}
	}
	for _, c := range []struct{ path, body string }{
		{"/models/load", `{"model_id":"` + custom + `"}`},
		{"/generate/control", `{"model_id":"` + custom + `","text":"Still here.","speaker":"Ryan","output_path":"` + dir + `/ok.wav"}`},
	} {
		raw := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", c.path, addr, len(c.body), c.body)
		if status, err := a.Fire(raw); status != 200 || err != nil {
			t.Errorf("afterwards %s answers %d, %v", c.path, status, err)
		}
	}
}
