package speed

import (
	"context"
	"slices"
)

// Figure is a thing that is measured in every round. Its text says the unit.
type Figure string

// The figures.
const (
	loadSeconds   Figure = "load (s)"
	loadReading   Figure = "load (× of only reading its files)"
	loadKeeping   Figure = "load (× of reading and keeping them)"
	coldSeconds   Figure = "load from the disk (s)"
	coldReading   Figure = "load from the disk (× of only reading)"
	frameGreedy   Figure = "frame, greedy (ms)"
	frameSampled  Figure = "frame, sampled (ms)"
	hostFrame     Figure = "of it Go, bridge, graphs (ms)"
	goFrame       Figure = "of that Go and calls from it (ms)"
	efficiencyOne Figure = "of the bandwidth, 1 thread (%)"
	efficiencyAll Figure = "of the bandwidth, all threads (%)"
	readOne       Figure = "memory read, 1 thread (GB/s)"
	readAll       Figure = "memory read, all threads (GB/s)"
	talkerFrame   Figure = "talker (ms a frame)"
	predictFrame  Figure = "predictor (ms a frame)"
	drawFrame     Figure = "predictor, drawing at random (ms more)"
	togetherFrame Figure = "4 takes together (ms a frame of all)"
	togetherGain  Figure = "4 takes together (× as fast as alone)"
	prefillShort  Figure = "prefill, 32 tokens of text (ms)"
	prefillLong   Figure = "prefill, 256 tokens of text (ms)"
	codecOne      Figure = "codec, 1 frame at once (ms a frame)"
	codecFour     Figure = "codec, 4 frames at once (ms a frame)"
	clipVector    Figure = "speaker encoder, 10 s of clip (ms)"
	clipCodes     Figure = "codec encoder, 10 s of clip (ms)"
	wholeFrame    Figure = "speech (ms a frame)"
	firstAudio    Figure = "first audio (ms)"
	realTime      Figure = "real-time factor (× of playing)"
)

// compares reports whether less of f is better, so that a ratio says something.
func (f Figure) compares() bool {
	return !slices.Contains([]Figure{efficiencyOne, efficiencyAll, readOne, readAll, drawFrame, loadReading, loadKeeping, coldReading, togetherGain}, f)
}

// part is a group of figures that come from the same work.
type part struct {
	name    string
	figures []Figure
	measure func(ctx context.Context, s Side, o Options, f *Found) error
}

// parts are all parts, in the order of the table.
func parts() []part {
	return []part{
		{"load", []Figure{loadSeconds, loadReading, loadKeeping}, measureLoad},
		{"cold", []Figure{coldSeconds, coldReading}, measureCold},
		{"greedy", []Figure{frameGreedy}, measureGreedy},
		{"frame", []Figure{frameSampled, hostFrame, goFrame, efficiencyOne, efficiencyAll, readOne, readAll}, measureFrame},
		{"split", []Figure{talkerFrame, predictFrame, drawFrame}, measureSplit},
		{"takes", []Figure{togetherFrame, togetherGain}, measureTakes},
		{"prefill", []Figure{prefillShort}, measurePrefill(prefillShort, 32)},
		{"prefill256", []Figure{prefillLong}, measurePrefill(prefillLong, 256)},
		{"codec", []Figure{codecOne, codecFour}, measureCodec},
		{"reference", []Figure{clipVector, clipCodes}, measureReference},
		{"speech", []Figure{wholeFrame, firstAudio, realTime}, measureSpeech},
	}
}

// PartNames are the names of the parts, which Options chooses from.
func PartNames() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// parts are those that are wanted.
func (o *Options) parts() []part {
	return slices.DeleteFunc(parts(), func(p part) bool { return len(o.Parts) > 0 && !slices.Contains(o.Parts, p.name) })
}

func (f *Found) add(name Figure, value float64) { f.Figures[name] = append(f.Figures[name], value) }

// addTold adds what not every side can tell, and leaves it 0 then.
func (f *Found) addTold(name Figure, value float64) {
	if value > 0 {
		f.add(name, value)
	}
}

const sampled = 0.9 // the models' own temperature

// do lets s work and notes its memory.
func (f *Found) do(ctx context.Context, s Side, j Job) (Take, error) {
	t, err := s.Do(ctx, j)
	if err != nil {
		return t, err
	}
	f.RSS, f.PeakMLX = t.RSS, max(f.PeakMLX, t.PeakMLX)
	t.Made = max(t.Made, 1)
	return t, nil
}

func (t Take) perFrame(seconds float64) float64 { return 1000 * seconds / float64(t.Made) }

func measureLoad(ctx context.Context, s Side, _ Options, f *Found) error {
	if err := s.Close(); err != nil {
		return err
	}
	l, err := s.Load(ctx)
	if err != nil {
		return err
	}
	f.add(loadSeconds, l.Seconds)
	if l.Read > 0 {
		f.add(loadReading, l.Seconds/l.Read)
	}
	if o, ok := s.(*Ours); ok {
		kept, err := keepFiles(o.dir)
		if err != nil {
			return err
		}
		f.add(loadKeeping, l.Seconds/kept)
	}
	return warmUp(ctx, s)
}

// measureCold measures loads for which nothing of the files is in memory yet, where the system lets us have that.
func measureCold(ctx context.Context, s Side, _ Options, f *Found) error {
	o, ok := s.(*Ours)
	if !ok || !canForget {
		return nil
	}
	if err := s.Close(); err != nil {
		return err
	}
	read, err := o.readCold()
	if err != nil {
		return err
	}
	if err := o.forget(); err != nil {
		return err
	}
	l, err := s.Load(ctx)
	if err != nil {
		return err
	}
	f.add(coldSeconds, l.Seconds)
	f.add(coldReading, l.Seconds/read)
	return warmUp(ctx, s)
}

func measureGreedy(ctx context.Context, s Side, o Options, f *Found) error {
	t, err := f.do(ctx, s, newJob(Frames, 8, o.Frames, 0))
	if err != nil {
		return err
	}
	f.add(frameGreedy, t.perFrame(t.Frames))
	return nil
}

func measureFrame(ctx context.Context, s Side, o Options, f *Found) error {
	one, all, err := Bandwidth()
	if err != nil {
		return err
	}
	drawn, err := f.do(ctx, s, newJob(Frames, 8, o.Frames, sampled))
	if err != nil {
		return err
	}
	f.add(frameSampled, drawn.perFrame(drawn.Frames))
	f.addTold(hostFrame, drawn.perFrame(drawn.Host))
	f.addTold(goFrame, drawn.perFrame(drawn.Go))
	f.add(readOne, one/1e9)
	f.add(readAll, all/1e9)
	if bytes := f.Loading.FrameBytes; bytes > 0 {
		seconds := drawn.Frames / float64(drawn.Made)
		f.add(efficiencyOne, 100*float64(bytes)/seconds/one)
		f.add(efficiencyAll, 100*float64(bytes)/seconds/all)
	}
	return nil
}

// measureTakes compares several takes in one frame with one take after the other.
func measureTakes(ctx context.Context, s Side, o Options, f *Found) error {
	if _, ok := s.(*Ours); !ok {
		return nil
	}
	j := newJob(Frames, 8, o.Frames, sampled)
	alone, err := f.do(ctx, s, j)
	if err != nil {
		return err
	}
	j.Takes = 4
	together, err := f.do(ctx, s, j)
	if err != nil {
		return err
	}
	f.add(togetherFrame, together.perFrame(together.Frames))
	f.add(togetherGain, float64(j.Takes)*alone.perFrame(alone.Frames)/together.perFrame(together.Frames))
	return nil
}

func measureSplit(ctx context.Context, s Side, o Options, f *Found) error {
	greedy, err := f.do(ctx, s, newJob(Split, 8, o.Frames, 0))
	if err != nil {
		return err
	}
	drawn, err := f.do(ctx, s, newJob(Split, 8, o.Frames, sampled))
	if err != nil {
		return err
	}
	f.add(talkerFrame, greedy.perFrame(greedy.Talker))
	f.add(predictFrame, greedy.perFrame(greedy.Predictor))
	f.add(drawFrame, drawn.perFrame(drawn.Predictor)-greedy.perFrame(greedy.Predictor))
	return nil
}

func measurePrefill(name Figure, tokens int) func(context.Context, Side, Options, *Found) error {
	return func(ctx context.Context, s Side, _ Options, f *Found) error {
		t, err := f.do(ctx, s, newJob(Frames, tokens, 1, 0))
		if err != nil {
			return err
		}
		f.add(name, 1000*t.Prefill)
		return nil
	}
}

func measureCodec(ctx context.Context, s Side, _ Options, f *Found) error {
	one, err := f.do(ctx, s, Job{Kind: Decode, Frames: 4, Chunk: 1})
	if err != nil {
		return err
	}
	four, err := f.do(ctx, s, Job{Kind: Decode, Frames: 4, Chunk: 4})
	if err != nil {
		return err
	}
	f.addTold(codecOne, one.perFrame(one.Decode))
	f.addTold(codecFour, four.perFrame(four.Decode))
	return nil
}

// measureReference measures what becomes of a clip before it is first cloned; only Base models clone.
func measureReference(ctx context.Context, s Side, _ Options, f *Found) error {
	t, err := f.do(ctx, s, Job{Kind: Listen, Clip: 10})
	if err != nil {
		return err
	}
	f.addTold(clipVector, 1000*t.Vector)
	f.addTold(clipCodes, 1000*t.Codes)
	return nil
}

func measureSpeech(ctx context.Context, s Side, o Options, f *Found) error {
	t, err := f.do(ctx, s, newJob(Speech, 32, o.Frames, sampled))
	if err != nil {
		return err
	}
	f.add(wholeFrame, t.perFrame(t.Total))
	f.addTold(firstAudio, 1000*t.First)
	f.add(realTime, t.perFrame(t.Total)/80)
	return nil
}
