package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ttsui/internal/speed"
	"ttsui/internal/tts"
)

// testBench: a model of each mode is measured, in a table and in JSON.
func (w world) testBench(t *testing.T) {
	for _, mode := range tts.Modes() {
		id := defaultModel(mode)
		out, err := w.command(t, patience, "bench", "--model", id, "--rounds", "1", "--frames", "8", "--json").Output()
		if err != nil {
			t.Fatal(err)
		}
		var r speed.Report
		if err := json.Unmarshal(out, &r); err != nil {
			t.Fatal(err)
		}
		if f := r.Sides[0]; r.Model != id || len(f.Figures) < 15 || f.Counts.Evaluations != 1 || time.Since(r.Date) > time.Hour {
			t.Errorf("%s: %s", id, out)
		}
		if listened := len(r.Sides[0].Figures["codec encoder, 10 s of clip (ms)"]) == 1; listened != (mode == tts.Clone) {
			t.Errorf("%s: a clip was listened to: %v", id, listened)
		}
	}
	out, err := w.command(t, patience, "bench", "--rounds", "1", "--frames", "8", "--only", "codec").Output()
	if err != nil || !strings.Contains(string(out), "codec, 4 frames at once (ms a frame)") || strings.Contains(string(out), "prefill") {
		t.Errorf("%v: %s", err, out)
	}
}
