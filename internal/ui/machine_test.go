package ui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"ttsui/internal/tts"
)

// machine is a window over a server of moods, and what its snapshots did wrong.
type machine struct {
	*window
	mood struct {
		sync.Mutex
		fails, hangs bool
		slow         time.Duration
	}
	calls  atomic.Int64 // of Generate
	revs   map[string]int
	seq    uint64
	logRev int
	wrong  []string
}

// answer is how the server feels about a call.
func (m *machine) answer(ctx context.Context) error {
	m.mood.Lock()
	fails, hangs, slow := m.mood.fails, m.mood.hangs, m.mood.slow
	m.mood.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fails {
		return errGone
	}
	return nil
}

// moody gives the fake server its moods.
func (m *machine) moody(s *fakeServer) *fakeServer {
	load, unload, generate, list, save := s.load, s.unload, s.generate, s.list, s.save
	s.save = func(ctx context.Context, v tts.NewVoice) (tts.Voice, error) {
		if err := m.answer(ctx); err != nil {
			return tts.Voice{}, err
		}
		return save(ctx, v)
	}
	s.Verifier, s.copies = moodyVerifier{m}, func(ctx context.Context, id string) ([]tts.PublishedModel, error) {
		return []tts.PublishedModel{{ModelID: id + "-4bit", Bytes: 1e9}}, m.answer(ctx)
	}
	s.remove = func(string) (int64, error) { return 1, nil }
	s.load = func(ctx context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error) {
		if err := m.answer(ctx); err != nil {
			if how.Force {
				return tts.ModelInfo{}, err
			}
			return s.set(tts.ModelInfo{ModelID: id, State: tts.Failed, Code: tts.CodeNoMemory}), nil
		}
		return load(ctx, id, how)
	}
	s.unload = func(ctx context.Context, id string, how tts.UnloadOptions) (tts.ModelInfo, error) {
		if err := m.answer(ctx); err != nil {
			return tts.ModelInfo{}, tts.Errorf(tts.CodeBusy, "Wait.", "in use")
		}
		return unload(ctx, id, how)
	}
	s.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
		if err := req.Validate(); err != nil {
			m.broke("an invalid request: %v", err)
		}
		req.Watch(tts.Job{State: tts.JobQueued, Position: 1})
		if req.Audio != nil {
			_ = req.Audio.WriteSamples(make([]float32, tts.SampleRate)) // nobody refuses it
		}
		if err := m.answer(ctx); err != nil {
			return tts.Result{}, err
		}
		if req.Audio != nil {
			_ = req.Audio.WriteSamples(make([]float32, 11*tts.SampleRate))
		}
		res, err := generate(ctx, req)
		if m.calls.Add(1)%3 == 0 {
			res.Runaway = tts.RunawayTooLong
		}
		return res, err
	}
	s.list = func(ctx context.Context) ([]tts.ModelInfo, error) {
		if err := m.answer(ctx); err != nil {
			return nil, err
		}
		return list(ctx)
	}
	return s
}

// moodyVerifier finds damage in some models, and repairs them when it is in the mood.
type moodyVerifier struct{ m *machine }

func (v moodyVerifier) Verify(ctx context.Context, id string) ([]tts.Damage, error) {
	if err := v.m.answer(ctx); err != nil || id == good {
		return nil, err
	}
	return make([]tts.Damage, 7), nil
}

func (v moodyVerifier) Repair(ctx context.Context, id string) (tts.ModelInfo, error) {
	if err := v.m.answer(ctx); err != nil {
		return tts.ModelInfo{}, err
	}
	return v.m.server.set(tts.ModelInfo{ModelID: id, State: tts.Unloaded}), nil
}

func (m *machine) broke(format string, args ...any) {
	m.mood.Lock()
	defer m.mood.Unlock()
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

// check holds a snapshot to the laws of the window.
func (m *machine) check(s Snapshot) {
	busy := false
	for _, mode := range tts.Modes() {
		tab := s.Of(mode)
		busy = busy || tab.Stop.Enabled
		m.checkTab(s, tab)
	}
	if s.Busy != busy || (s.QuitQuestion.Title != "") != busy {
		m.broke("busy %t, question %q, stop %t", s.Busy, s.QuitQuestion.Title, busy)
	}
	if p := s.Player; p.Playing && !p.Play.Enabled || p.Position > p.Length || p.Growing && (p.Path != "" || !s.Selected().Stop.Enabled || s.Selected().Result != nil) {
		m.broke("player %+v of %+v", p, s.Selected())
	}
	m.checkLog(s.Log)
}

func (m *machine) checkTab(s Snapshot, tab *Tab) {
	checked := 0
	for _, r := range tab.Models {
		if r.Checked {
			checked++
			if checks := strings.HasPrefix(r.Busy, "Checking"); r.Action.Title != "Unload" && !checks || r.Dimmed || r.Busy != "" && !checks {
				m.broke("checked and not loaded: %+v", r)
			}
		}
		stoppable := r.Action.Title == "Cancel" || strings.HasPrefix(r.Busy, "Checking")
		if r.Action.Title == "" && r.Busy == "" || r.Action.Title != "" && r.Busy != "" && !stoppable || r.Busy != "" && (r.Note != "" || r.Menu != nil) || r.Action.Enabled && s.Status.State != ServerRunning {
			m.broke("row %+v while the server is %s", r, s.Status.State)
		}
	}
	if checked > 1 {
		m.broke("%d are checked", checked)
	}
	voice, voiceProblem := tab.Voice.Menu.Chosen, tab.Voice.Chosen && tab.Voice.Note != "" || tab.Voice.Menu.Chosen != "" && !tab.Voice.Chosen
	valid := !voiceProblem && (tab.Sampling.Takes.Chosen == "" || tab.Sampling.LongText.Chosen != string(tts.LongOn)) && !wrongSampling(tab) && s.Status.State == ServerRunning && checked == 1 && strings.TrimSpace(tab.Text.Text) != "" && !tab.Stop.Enabled &&
		(tab.Mode != tts.Clone || tab.Reference.Path != "" || voice != "") && (tab.Mode != tts.Design || strings.TrimSpace(tab.Instruct.Text) != "")
	if tab.Generate.Enabled != valid || valid != (tab.Generate.Tooltip == "") {
		m.broke("%s: valid %t, %+v", tab.Mode, valid, tab.Generate)
	}
	if (tab.Progress != "") != tab.Stop.Enabled || tab.SaveAs.Enabled != (tab.Result != nil) {
		m.broke("%s: progress %q, %+v, %+v", tab.Mode, tab.Progress, tab.Stop, tab.SaveAs)
	}
	m.checkHistory(tab)
	m.checkSegments(tab)
	m.checkStudio(tab)
	for _, f := range []Field{tab.Text, tab.Instruct, tab.RefText} {
		key := string(tab.Mode) + f.Label
		if f.Rev < m.revs[key] {
			m.broke("%s went back from %d to %d", key, m.revs[key], f.Rev)
		}
		m.revs[key] = f.Rev
	}
}

func wrongSampling(tab *Tab) bool {
	return slices.ContainsFunc(tab.Sampling.List, func(v SamplingValue) bool { return v.Field.Problem != "" })
}

// checkHistory: what is chosen is what is shown, and no generation is begun while one runs.
func (m *machine) checkHistory(tab *Tab) {
	h, chosen := tab.History, 0
	for _, r := range h.List {
		if r.ID == h.Chosen {
			chosen++
			if tab.Result == nil || r.Path != "" && r.Path != tab.Result.Path {
				m.broke("%s: chosen %+v, result %+v", tab.Mode, r, tab.Result)
			}
		}
	}
	if h.Chosen != "" && chosen != 1 || h.Chosen == "" && (h.Again.Enabled || h.Star.Enabled || h.Trash.Enabled) || tab.Stop.Enabled && h.Again.Enabled {
		m.broke("%s: %q is %d times among %d: %+v", tab.Mode, h.Chosen, chosen, len(h.List), h)
	}
}

// checkStudio: what is chosen is offered, and what can be done fits it.
func (m *machine) checkStudio(tab *Tab) {
	v, r := tab.Voice, tab.Reference
	if v.Chosen != (v.Rename.Title != "") || v.Chosen != (v.Replace.Title != "") || v.Chosen != (v.Delete.Title != "") || v.Chosen && r.Label != "" {
		m.broke("voice %+v with reference %+v", v, r)
	}
	if r.Studied && r.Path == "" || r.Trim.Title != "" && !r.Studied {
		m.broke("reference %+v", r)
	}
	if rec := tab.Recorder; rec.Recording != strings.HasPrefix(rec.Record.Title, "Stop") || rec.Use.Enabled && rec.Latest == "" {
		m.broke("recorder %+v", rec)
	}
	if tab.Freeze.Title != "" && (tab.Result == nil || tab.Mode == tts.Clone) {
		m.broke("%s: freeze %+v", tab.Mode, tab.Freeze)
	}
}

func (m *machine) checkLog(l Log) {
	if len(l.Lines) > mostLines || !slices.IsSortedFunc(l.Lines, func(a, b LogLine) int { return int(int64(a.Seq) - int64(b.Seq)) }) {
		m.broke("the log has %d lines, or they are out of order", len(l.Lines))
	}
	if l.Rev < m.logRev {
		m.broke("the log's rev went back")
	}
	if l.Rev != m.logRev {
		m.seq = 0 // another filter may hide the last line
	}
	if n := len(l.Lines); n > 0 {
		if l.Lines[n-1].Seq < m.seq {
			m.broke("the log lost its end")
		}
		m.seq = l.Lines[n-1].Seq
	}
	m.logRev = l.Rev
}

// acts are what may happen to a window. n chooses among what there is to choose.
func (m *machine) acts() []func(n int) {
	ids := []string{fast, good, custom, family + "1.7B-CustomVoice-bf16", design, "somebody/else-Base"}
	mode := func(n int) tts.Mode { return tts.Modes()[n%3] }
	texts := []string{"", " ", "Hello", "An old sailor"}
	text := func(n int) string { return texts[n/3%len(texts)] }
	return []func(int){
		func(n int) { m.ClickRow(ids[n%len(ids)]) },
		func(n int) { m.ClickRowButton(ids[n%len(ids)]) },
		func(n int) { m.ChooseRowMenu(ids[n%len(ids)], []string{"check", "copies", "delete"}[n%3]) },
		func(n int) { m.Generate(mode(n)) },
		func(n int) { m.Stop(mode(n)) },
		func(n int) { m.SelectTab(mode(n)) },
		func(n int) { m.EditText(mode(n), text(n)) },
		func(n int) { m.EditInstruct(mode(n), text(n)) },
		func(n int) { m.InsertExample(mode(n), n%4) },
		func(n int) { m.ChooseReference([]string{"", "/me.wav"}[n%2]) },
		func(n int) { m.EditSampling(mode(n), samplingLines()[n%6].key, []string{"", "1", "0", "x"}[n%4]) },
		func(n int) { m.EditSampling(mode(n), SamplingTakes, []string{"", "2", "8", "9"}[n%4]) },
		func(n int) { m.EditSampling(mode(n), SamplingLongText, []string{"", "on", "off"}[n/3%3]) },
		func(n int) { m.PlaySegment(mode(n), n/3%4-1) },
		func(n int) { m.SpeakSegment(mode(n)) },
		func(n int) { // what seldom comes about by itself
			m.EditSampling(mode(n), SamplingTakes, "")
			m.EditSampling(mode(n), SamplingLongText, "on")
			m.Generate(mode(n))
			m.seeAfter(time.Second)
			m.PlaySegment(mode(n), n/3%2)
			m.SpeakSegment(mode(n))
		},
		func(n int) { m.ResetSampling(mode(n)) },
		func(n int) { m.KeepSeed(mode(n)) },
		func(n int) { m.ToggleHistory(mode(n)) },
		func(n int) {
			s := m.see()
			if list := s.Of(mode(n)).History.List; len(list) > 0 {
				m.ChooseResult(mode(n), list[n%len(list)].ID)
			}
		},
		func(n int) { m.Again(mode(n)) },
		func(n int) { m.StarResult(mode(n)) },
		func(n int) { m.TrashResult(mode(n)) },
		func(n int) { m.disk.change(n) },
		func(n int) { m.PlayPause() },
		func(n int) { m.ChooseVoice([]string{"", "v1", "v2"}[n%3]) },
		func(n int) { m.Freeze(mode(n)) },
		func(n int) { m.SaveSpeaker() },
		func(n int) { m.RenameVoice() },
		func(n int) { m.ReplaceAudio() },
		func(n int) { m.ChooseVoiceClip([]string{"", "/new.wav"}[n%2]) },
		func(n int) { m.UseRecordedClip() },
		func(n int) { m.DeleteVoice() },
		func(n int) { m.EditVoiceName([]string{"", "Me", "You", "a name of too many letters"}[n%4]) },
		func(n int) { m.SubmitVoice() },
		func(n int) { m.CancelVoice() },
		func(n int) { m.Record() },
		func(n int) { m.UseRecorded() },
		func(n int) { m.Trim() },
		func(n int) { m.CheckTail(n%2 == 0) },
		func(n int) { m.CheckLive(n%3 > 0) },
		func(n int) { m.SetVolume(float64(n) / 4) },
		func(n int) { m.Seek(time.Duration(n-5) * time.Second) },
		func(n int) { m.FilterLog(logFilters()[n%4].ID) },
		func(n int) { m.ClearLog() },
		func(n int) {
			if a := m.see().Alert; a != nil {
				m.AnswerAlert(a.ID, n%3)
			}
		},
		func(n int) { m.EditSetting(settingKeys()[n%5], fmt.Sprint(1000*n)) },
		func(n int) { m.RestartServer() },
		func(n int) { m.RetryStart() },
		func(n int) { m.setMood(n) },
		func(n int) { time.Sleep(time.Duration(n) * 100 * time.Millisecond) },
		func(n int) { synctest.Wait() },
		func(n int) { m.send(entry(n, "INFO", "x")) },
		func(n int) {
			info := tts.ModelInfo{ModelID: ids[n%len(ids)], State: tts.States()[n%5]}
			if n%4 == 0 && (info.State == tts.Unloaded || info.State == tts.Failed) {
				info.Part = &tts.Download{BytesDone: 1e9, BytesTotal: 2e9}
			}
			m.server.set(info)
		},
	}
}

func (m *machine) setMood(n int) {
	m.mood.Lock()
	m.mood.fails, m.mood.hangs, m.mood.slow = n%3 == 1, n%5 == 4, time.Duration(n%4)*time.Second
	m.mood.Unlock()
	wrong := error(nil)
	if n%7 == 3 {
		wrong = errGone
	}
	select {
	case m.server.health <- wrong:
	default:
	}
}

func (m *machine) send(e tts.LogEvent) {
	select {
	case m.server.events <- e:
	default:
	}
}

// TestWindowAtRandom lets anything happen in any order, and holds each snapshot to the laws.
func TestWindowAtRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// The acts are evenly drawn from a seed: rapid's own numbers are small ones for the most part.
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		steps := 100 + rapid.IntRange(-99, 100).Draw(rt, "steps")
		ready := rapid.Bool().Draw(rt, "ready")
		m := &machine{revs: map[string]int{}}
		synctest.Test(t, func(t *testing.T) {
			m.window = &window{t: t, server: newFakeServer(), store: newMemStore(), player: &fakePlayer{}, disk: &fakeDisk{}, mic: &fakeRecorder{}, studio: &fakeStudio{}}
			m.studio.found = ClipStudy{Length: 20 * time.Second, Best: Span{0, 9 * time.Second}}
			m.moody(m.server)
			launches := 0
			a := New(Config{Player: m.player, Recorder: m.mic, Studio: m.studio, Store: m.store, History: m.disk, Exists: m.disk.exists, Trash: m.disk.trash, Copy: func(string, string) error { return nil },
				Show: func(s Snapshot) { m.show(s); m.check(s) },
				Launch: func(ctx context.Context, s Settings) (Launched, error) {
					if launches++; launches%3 == 2 {
						return Launched{}, errGone
					}
					return m.launched(ctx, s)
				},
				NewResultPath: func(_ string, mode tts.Mode, now time.Time) (string, error) {
					return fmt.Sprintf("/%s/%d.wav", mode, now.UnixNano()), nil
				},
			})
			m.App = a
			if ready {
				m.prepare()
			}
			acts := m.acts()
			for range steps {
				acts[random.IntN(len(acts))](random.IntN(40))
				if random.IntN(2) == 0 {
					m.see()
				}
			}
			m.quit()
			m.checkEntries()
		})
		for _, wrong := range m.wrong {
			rt.Error(wrong)
		}
	})
}
