package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

const sentence = "It was a dark and stormy night, and nobody was about. "

// TestLongTextOverHTTP: a long text is written, heard, and put right in one place.
func TestLongTextOverHTTP(t *testing.T) {
	c := readContract(t)
	h := open(t, &registrytest.Tones{Length: func(tts.Utterance) int { return 3 }})
	h.load(t, custom)
	text := strings.Repeat(sentence, 6) + "\n\n" + strings.Repeat(sentence, 3)
	speak := func(change object) (answer struct {
		Segments []tts.Segment `json:"segments"`
		Frames   int           `json:"frames"`
		JobID    string        `json:"job_id"`
	}) {
		t.Helper()
		body := with(h.control(), "text", text)
		for key, value := range change {
			body[key] = value
		}
		status, got := h.call(t, "POST", "/generate/control", body)
		data, _ := json.Marshal(got)
		sent, _ := json.Marshal(body)
		if err := errors.Join(json.Unmarshal(data, &answer), c.check(data, "components", "schemas", "Generated"), c.check(sent, "components", "schemas", "ControlRequest")); err != nil || status != 200 {
			t.Fatalf("%d %s: %v", status, data, err)
		}
		return answer
	}
	long := speak(object{"long_text": "on", "runaway_guard": false})
	if n := len(long.Segments); n != 3 || long.Frames != 9 || long.Segments[2].TextEnd != len(text) {
		t.Fatalf("%+v", long)
	}
	_, job := h.call(t, "GET", "/jobs/"+long.JobID, nil)
	if data, _ := json.Marshal(job); len(job["segments"].([]any)) != 3 || c.check(data, "components", "schemas", "Job") != nil {
		t.Errorf("the job: %s", data)
	}
	whole, err := os.ReadFile(h.out())
	if err != nil {
		t.Fatal(err)
	}

	res := h.ask(t, "/generate/control", "audio/wav", without(with(with(h.control(), "text", text), "long_text", "on"), "output_path"))
	if heard, err := io.ReadAll(res.Body); err != nil || len(heard) != len(whole) {
		t.Errorf("heard %d bytes of %d, %v", len(heard), len(whole), err)
	}
	if job := h.jobOf(t, res); job["segments_done"] != 3.0 || len(job["segments"].([]any)) != 3 {
		t.Errorf("what was heard: %v", job)
	}

	old := long.Segments[1]
	again := speak(object{"text": text[old.TextStart:old.TextEnd], "splice": tts.Splice{Path: h.out(), Start: old.Start, End: old.End - 1920}})
	if len(again.Segments) != 1 || again.Segments[0].Start != old.Start || again.Segments[0].End != old.End {
		t.Errorf("%+v", again)
	}
	if info, err := os.Stat(h.out()); err != nil || info.Size() != int64(len(whole)+2*1920) {
		t.Errorf("the file: %v, %v", info, err)
	}
	if short := speak(object{"long_text": "off"}); len(short.Segments) != 1 || short.Frames != 3 {
		t.Errorf("%+v", short)
	}
}

// TestStoppedLongTextOverHTTP: who stops a long text learns where its beginning is kept.
func TestStoppedLongTextOverHTTP(t *testing.T) {
	var spoken atomic.Int32
	second := make(chan struct{})
	h := open(t, &registrytest.Tones{
		Length: func(tts.Utterance) int { spoken.Add(1); return 3 },
		OnFrame: func(ctx context.Context, _ int) error {
			if spoken.Load() == 2 {
				close(second)
				<-ctx.Done()
			}
			return nil
		},
	})
	h.load(t, custom)
	ended := make(chan object, 1)
	go func() {
		_, answer, err := h.try(context.Background(), "POST", "/generate/control", with(with(h.control(), "text", strings.Repeat(sentence, 9)), "long_text", "on"))
		if err != nil {
			t.Error(err)
		}
		ended <- answer
	}()
	await(t, second)
	_, list := h.call(t, "GET", "/jobs", nil)
	id := list["jobs"].([]any)[0].(object)["id"].(string)
	status, job := h.call(t, "DELETE", "/jobs/"+id, nil)
	kept := filepath.Join(h.dir, "out.partial.wav")
	if status != 200 || job["state"] != "canceled" || job["partial_path"] != kept || job["segments_done"] != 1.0 || job["audio_seconds"] != 0.24 {
		t.Errorf("%d, %v", status, job)
	}
	data, _ := json.Marshal(job)
	if err := readContract(t).check(data, "components", "schemas", "Job"); err != nil {
		t.Error(err)
	}
	if answer := await(t, ended); answer["code"] != "canceled" || !strings.HasSuffix(answer["detail"].(string), "the beginning, up to segment 1, is kept in "+kept) {
		t.Errorf("%v", answer)
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, "*")); len(left) != 1 || left[0] != kept {
		t.Errorf("files: %v", left)
	}
}
