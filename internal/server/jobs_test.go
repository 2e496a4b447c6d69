package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"ttsui/internal/jobs"
	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/server"
	"ttsui/internal/speech"
	"ttsui/internal/tts"
)

// watch follows a job's events to its end, and wants that to be state.
func (h *house) watch(t *testing.T, id, state string) error {
	t.Helper()
	var last tts.Job
	err := h.follow(id, func(j tts.Job) { last = j })
	if err == nil && string(last.State) != state {
		err = fmt.Errorf("the job ended %s: %+v", last.State, last.Error)
	}
	return err
}

func (h *house) follow(id string, see func(tts.Job)) error {
	client := http.Client{Timeout: patience}
	res, err := client.Get(h.url + "/jobs/" + id + "/events")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		return fmt.Errorf("the events: %s", res.Status)
	}
	for events := newEventReader(res); ; {
		m, err := events.next()
		if err == io.EOF {
			return nil
		}
		var job tts.Job
		if err == nil {
			err = json.Unmarshal([]byte(m.data), &job)
		}
		if err != nil {
			return err
		}
		see(job)
	}
}

// TestJobs: one that runs and one that waits, seen and stopped from outside.
func TestJobs(t *testing.T) {
	first, next := make(chan struct{}), make(chan struct{})
	h := open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, n int) error {
		if n == 0 {
			select {
			case first <- struct{}{}:
			case <-ctx.Done():
			}
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
		return nil
	}})
	h.load(t, custom)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel() // should the test fail
	goOn := func() {
		select {
		case next <- struct{}{}:
		case <-ctx.Done():
			t.Error("the job does not go on")
		}
	}
	speak := func(name string, status int) {
		body := with(h.control(), "output_path", filepath.Join(h.dir, name))
		calls.Go(func() {
			if got, answer, err := h.try(ctx, "POST", "/generate/control", body); err != nil || got != status {
				t.Errorf("%s: %d, want %d: %v, %v", name, got, status, answer, err)
			}
		})
	}
	speak("runs.wav", 200)
	await(t, first)
	goOn()
	speak("waits.wav", 499)
	var list []any
	for len(list) < 2 || list[0].(object)["frames"] != 1.0 { // the second call is on its way
		if ctx.Err() != nil {
			t.Fatalf("the jobs: %v", list)
		}
		time.Sleep(time.Millisecond)
		_, answer := h.call(t, "GET", "/jobs", nil)
		list = answer["jobs"].([]any)
	}
	runs, waits := list[0].(object), list[1].(object)
	_, again := h.call(t, "GET", "/jobs/"+waits["id"].(string), nil)
	want := object{"id": waits["id"], "mode": "control", "model_id": custom, "priority": "interactive", "state": "queued", "position": 1.0, "stage": "",
		"takes": 1.0, "first_audio_seconds": nil, "frames": 0.0, "audio_seconds": 0.0, "real_time_factor": nil, "truncated": false, "seed": nil, "created_at": waits["created_at"],
		"started_at": nil, "finished_at": nil, "output_path": filepath.Join(h.dir, "waits.wav"), "error": nil,
		"segments_total": 0.0, "segments_done": 0.0, "segments": []any{}, "text_done": 0.0, "retries": 0.0, "runaway": "", "partial_path": ""}
	if d := cmp.Diff(want, again); d != "" {
		t.Error(d)
	}
	status, answer := h.call(t, "DELETE", "/jobs/"+waits["id"].(string), nil)
	if status != 200 || answer["state"] != "canceled" || answer["error"].(object)["code"] != "canceled" {
		t.Errorf("canceled: %d, %v", status, answer)
	}
	var told []string
	err := h.follow(runs["id"].(string), func(j tts.Job) {
		told = append(told, fmt.Sprintf("%s %s %.2f", j.State, j.Stage, j.AudioSeconds))
		if j.State == tts.JobRunning && j.Frames < 5 {
			goOn()
		}
	})
	if d := cmp.Diff([]string{"running frames 0.08", "running frames 0.16", "running frames 0.24", "running frames 0.32"}, told[:min(4, len(told))]); d != "" || err != nil {
		t.Error(err, d)
	}
	if last := told[len(told)-1]; last != "done saving 0.40" {
		t.Errorf("the last event is %q", last)
	}
	for method, path := range map[string]string{"GET": "/jobs/nobody", "DELETE": "/jobs/nobody"} {
		if status, answer := h.call(t, method, path, nil); status != 404 || answer["detail"] != `there is no job "nobody"` {
			t.Errorf("%s %s: %d, %v", method, path, status, answer)
		}
	}
	if status, answer := h.call(t, "GET", "/jobs/nobody/events", nil); status != 404 {
		t.Errorf("the events of nobody: %d, %v", status, answer)
	}
	if status, answer := h.call(t, "POST", "/jobs/nobody", object{}); status != 405 || answer["hint"] != "Use GET or DELETE." {
		t.Errorf("POST: %d, %v", status, answer)
	}
	calls.Wait()
	if left, _ := os.ReadDir(h.dir); len(left) != 1 || left[0].Name() != "runs.wav" {
		t.Errorf("files: %v", left)
	}
}

func TestFullQueue(t *testing.T) {
	first, gate := make(chan struct{}, 18), make(chan struct{})
	h := open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, n int) error {
		if n > 0 {
			return nil
		}
		first <- struct{}{}
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return nil
	}})
	h.load(t, custom)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	statuses := make(chan int, 18)
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel() // should the test fail
	for i := range 18 {
		calls.Go(func() {
			body := with(h.control(), "output_path", filepath.Join(h.dir, fmt.Sprint(i), "out.wav"))
			status, answer, err := h.try(ctx, "POST", "/generate/control", body)
			if err != nil || status == 429 && (answer["code"] != "queue_full" || answer["hint"] == "") {
				t.Errorf("%d %v, %v", status, answer, err)
			}
			statuses <- status
		})
	}
	await(t, first)
	if status := await(t, statuses); status != 429 { // one runs, 16 wait
		t.Errorf("too many calls: the first answer is %d", status)
	}
	res := h.ask(t, "/generate/control", "", h.control())
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
	}
	close(gate)
	for range 17 {
		if status := await(t, statuses); status != 200 {
			t.Errorf("a call that waited: %d", status)
		}
	}
}

// TestSlowListener: who takes audio slowly gets all of it and delays nobody; who takes none for half a minute is dropped.
func TestSlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registry.New(registry.Config{Loader: &registrytest.Tones{}, Log: zerolog.Nop()})
		defer r.Close(context.Background())
		if _, err := r.Load(t.Context(), custom, tts.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		service := &speech.Service{Registry: r, Log: zerolog.Nop(), Queue: jobs.Queue{Timeout: 5 * time.Minute}}
		p := pipes{make(chan net.Conn), make(chan struct{})}
		s := server.New(server.Config{Service: service, Log: zerolog.Nop()})
		served := make(chan error, 1)
		go func() { served <- s.Serve(p) }()
		begin := func() (net.Conn, *http.Response) {
			ours, theirs := net.Pipe()
			p.conns <- pipe{theirs}
			body := `{"model_id":"` + custom + `","text":"` + strings.Repeat("a", 1000) + `","speaker":"Ryan"}`
			fmt.Fprintf(ours, "POST /generate/control HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				pipe{}.LocalAddr(), len(body), body)
			res, err := http.ReadResponse(bufio.NewReader(ours), nil)
			if err != nil {
				t.Fatal(err)
			}
			return ours, res
		}
		slow, res := begin()
		synctest.Wait()
		if list := service.Queue.List(); list[0].State != tts.JobDone {
			t.Errorf("who listens slowly keeps the queue waiting: %+v", list[0])
		}
		total, frame := 0, make([]byte, 2*tts.FrameSamples)
		for started := time.Now(); ; time.Sleep(500 * time.Millisecond) {
			n, err := io.ReadFull(res.Body, frame)
			total += n
			if err != nil {
				if time.Since(started) < 8*time.Minute || total != 44+1000*2*tts.FrameSamples {
					t.Errorf("%d bytes in %v, then %v", total, time.Since(started), err)
				}
				break
			}
		}
		stalled, res := begin()
		time.Sleep(31 * time.Second)
		if _, err := io.Copy(io.Discard, res.Body); err != io.ErrUnexpectedEOF {
			t.Errorf("who took nothing for 31 seconds was told of %v", err)
		}
		slow.Close()
		stalled.Close()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// TestAJobIsNamedByItsCaller: it can be followed before it is there, and nobody else gets its name.
func TestAJobIsNamedByItsCaller(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	h.load(t, custom)
	name := func(accept string, ids ...string) *http.Response {
		t.Helper()
		data, err := json.Marshal(h.control())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		t.Cleanup(cancel)
		req, err := http.NewRequestWithContext(ctx, "POST", h.url+"/generate/control", strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {accept}, "X-Job-Id": ids}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	for i, accept := range []string{"application/json", "audio/wav"} {
		id := fmt.Sprint("my_own-name-", i)
		watched := make(chan error, 1)
		go func() { watched <- h.watch(t, id, "done") }()
		if res := name(accept, id); res.StatusCode != 200 || res.Header.Get("X-Job-Id") != id {
			t.Errorf("%s: %s, %v", accept, res.Status, res.Header)
		}
		if err := await(t, watched); err != nil {
			t.Error(err)
		}
		res := name(accept, id)
		if answer := readError(t, res); res.StatusCode != 409 || answer["code"] != "busy" || answer["hint"] == "" || res.Header.Get("X-Job-Id") != "" {
			t.Errorf("%s, again: %s, %v", accept, res.Status, answer)
		}
	}
	for _, ids := range [][]string{{"1234567"}, {strings.Repeat("a", 65)}, {"../../../secret"}, {"one-name", "two-names"}} {
		res := name("application/json", ids...)
		if answer := readError(t, res); res.StatusCode != 400 || answer["code"] != "invalid" || answer["hint"] == "" {
			t.Errorf("%q: %s, %v", ids, res.Status, answer)
		}
	}
	if res := name("application/json", ""); res.StatusCode != 200 || res.Header.Get("X-Job-Id") == "" {
		t.Errorf("an empty name: %s, %v", res.Status, res.Header)
	}
}
