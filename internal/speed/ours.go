package speed

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"ttsui/internal/memory"
	"ttsui/internal/qwen3tts"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// Engine is TTSUI's own engine in this process.
type Engine struct {
	thread *mlx.Thread
}

// StartEngine starts it. A process has one at a time.
func StartEngine() (*Engine, error) {
	thread, err := mlx.StartThread(true)
	if err != nil {
		return nil, err
	}
	return &Engine{thread}, nil
}

// MLX is the version of MLX, and where it computes.
func (e *Engine) MLX() string {
	device := e.thread.Device()
	if device.GPU {
		return device.Version + " on the GPU"
	}
	return device.Version + " on the CPU"
}

// Stop ends it, when all its sides are closed.
func (e *Engine) Stop() error { return e.thread.Stop() }

// Ours is a checkpoint in TTSUI's own engine. It is a Side and a Counter.
type Ours struct {
	name, dir string
	loader    *qwen3tts.Loader
	model     *qwen3tts.Model
	asked     int
}

// DTypes gives what to compute in: a model in auto, float32, bfloat16 or float16, the codec's vocoder in float32 or bfloat16.
func DTypes(model, codec string) (qwen3tts.DTypes, error) {
	return qwen3tts.ParseDTypes(model, codec)
}

// Side measures the checkpoint in dir, computed in these types, under a name.
func (e *Engine) Side(name, dir string, dtypes qwen3tts.DTypes) *Ours {
	return &Ours{name: name, dir: dir, loader: qwen3tts.NewLoader(e.thread, dtypes)}
}

// Name implements Side.
func (o *Ours) Name() string { return o.name }

// Load implements Side.
func (o *Ours) Load(ctx context.Context) (l Loading, err error) {
	if l.RSSBefore, err = memory.RSS(); err != nil {
		return l, err
	}
	begin := time.Now()
	if o.model, err = o.loader.Load(ctx, o.dir); err != nil {
		return l, err
	}
	l.Seconds = time.Since(begin).Seconds()
	if l.RSSPeak, err = peakRSS(); err != nil {
		return l, err
	}
	if l.RSSAfter, err = memory.RSS(); err != nil {
		return l, err
	}
	if l.Read, err = readFiles(o.dir); err != nil {
		return l, err
	}
	l.FrameBytes, err = o.model.FrameBytes(o.dir)
	return l, err
}

// Do implements Side.
func (o *Ours) Do(ctx context.Context, j Job) (t Take, err error) {
	switch j.Kind {
	case Frames, Split:
		t, err = o.frames(ctx, j)
	case Decode:
		var took time.Duration
		took, err = o.model.DecodeFrames(ctx, j.Frames, j.Chunk)
		t.Made, t.Decode = j.Frames, took.Seconds()
	case Listen:
		if o.model.Mode() == tts.Clone {
			var vector, codes time.Duration
			vector, codes, err = o.model.Listen(ctx, hum(j.Clip))
			t.Vector, t.Codes = vector.Seconds(), codes.Seconds()
		}
	default:
		t, err = o.speak(ctx, j)
	}
	if err != nil {
		return t, err
	}
	t.PeakMLX = mlx.Memory().Peak
	t.RSS, err = memory.RSS()
	return t, err
}

func (o *Ours) frames(ctx context.Context, j Job) (t Take, err error) {
	var probe qwen3tts.Probe
	if j.Kind == Split {
		probe = func(part string, took time.Duration) {
			switch part {
			case qwen3tts.PartTalker:
				t.Talker += took.Seconds()
			case qwen3tts.PartPredictor:
				t.Predictor += took.Seconds()
			}
		}
	}
	c, err := o.model.Frames(ctx, o.utterance(j), max(j.Takes, 1), j.Frames, probe)
	t.Made, t.Prefill = c.Frames, c.Prefill.Seconds()
	t.Frames, t.Host, t.Go = c.Total.Seconds(), c.Host.Seconds(), c.Go.Seconds()
	return t, err
}

// watch is the sink of an utterance: it notes when samples come, and how many.
type watch struct {
	begin   time.Time
	first   time.Duration
	samples int
}

// WriteSamples implements tts.Sink.
func (w *watch) WriteSamples(pcm []float32) error {
	if w.samples == 0 {
		w.first = time.Since(w.begin)
	}
	w.samples += len(pcm)
	return nil
}

func (o *Ours) speak(ctx context.Context, j Job) (Take, error) {
	u := o.utterance(j)
	w := &watch{begin: time.Now()}
	_, err := o.model.Generate(ctx, []tts.Line{{Utterance: u, Sink: w}}, nil, nil)
	return Take{Made: w.samples / tts.FrameSamples, First: w.first.Seconds(), Total: time.Since(w.begin).Seconds()}, err
}

// utterance is what the model's mode needs to speak j's text, all of which is read before the first frame, as other
// programs do it. A model remembers the clips that it has heard and the prompts that it has read: the clip is always the
// same, as what hears it is measured by itself, but no text, transcript or description is.
func (o *Ours) utterance(j Job) tts.Utterance {
	o.asked++
	seed, full := uint64(1), true
	u := tts.Utterance{Request: tts.Request{
		Mode: o.model.Mode(), Text: o.anew(j.Text), Language: "English",
		Sampling: tts.Sampling{Temperature: &j.Temperature, TopK: &j.TopK, MaxFrames: &j.Frames, Seed: &seed, NonStreamingMode: &full},
	}}
	switch u.Mode {
	case tts.Control:
		u.Speaker = "Ryan"
	case tts.Design:
		u.Instruct = o.anew(j.Voice)
	case tts.Clone:
		u.Reference, u.RefText = hum(j.Clip), o.anew(j.Voice)
	}
	return u
}

// anew is a text as long as that, with another end each time.
func (o *Ours) anew(text string) string {
	const end = 6
	return text[:max(0, len(text)-end)] + fmt.Sprintf("%0*d", end, o.asked)
}

// hum is a clip of so many seconds, for which no recording is needed; other programs make the same by the same formula.
func hum(seconds int) []float32 {
	clip := make([]float32, seconds*tts.SampleRate)
	for i := range clip {
		at := float64(i) / tts.SampleRate
		clip[i] = float32(0.2*math.Sin(2*math.Pi*140*at) + 0.1*math.Sin(2*math.Pi*420*at)*math.Sin(2*math.Pi*3*at))
	}
	return clip
}

// Count implements Counter.
func (o *Ours) Count(ctx context.Context) (c Counts, err error) {
	count := func(temperature float64, metal bool) (counts mlx.Counts) {
		if err == nil {
			counts, err = o.model.CountFrame(ctx, o.utterance(newJob(Frames, 8, 8, temperature)), metal)
		}
		return counts
	}
	here, greedy := count(sampled, false), count(0, false)
	metal, metalGreedy := count(sampled, true), count(0, true)
	return Counts{
		Evaluations: here.Evaluations, Nodes: here.Nodes, NodesGreedy: greedy.Nodes,
		Metal: metal.Nodes, MetalGreedy: metalGreedy.Nodes, Kernels: metal.Kernels, KernelsGreedy: metalGreedy.Kernels,
	}, err
}

// Close implements Side.
func (o *Ours) Close() error {
	if o.model == nil {
		return nil
	}
	m := o.model
	o.model = nil
	return m.Close()
}

// weightFiles lists the files with weights in a checkpoint's folder.
func weightFiles(dir string) (files []string, err error) {
	for _, pattern := range []string{"*.safetensors", "speech_tokenizer/*.safetensors"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// readFiles tells how long it takes to read the weights in dir.
func readFiles(dir string) (seconds float64, err error) {
	buffer := make([]byte, 4<<20)
	return timeFiles(dir, func(f *os.File) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buffer)
		return err
	})
}

// keepFiles tells how long it takes to read the weights in dir into memory that holds all of them, fresh from the system.
func keepFiles(dir string) (seconds float64, err error) {
	var kept [][]byte
	defer func() {
		for _, m := range kept {
			err = cmp.Or(err, syscall.Munmap(m))
		}
	}()
	return timeFiles(dir, func(f *os.File) error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		m, err := syscall.Mmap(-1, 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return err
		}
		kept = append(kept, m)
		_, err = io.ReadFull(f, m)
		return err
	})
}

// timeFiles tells how long read takes for all the weights in dir.
func timeFiles(dir string, read func(f *os.File) error) (seconds float64, err error) {
	files, err := weightFiles(dir)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		err = read(f)
		f.Close()
		if err != nil {
			return 0, err
		}
	}
	return time.Since(begin).Seconds(), nil
}

// forget has the system drop what it remembers of the weights' files.
func (o *Ours) forget() error {
	files, err := weightFiles(o.dir)
	if err != nil {
		return err
	}
	for _, path := range files {
		if err := forget(path); err != nil {
			return err
		}
	}
	return nil
}

// readCold is readFiles from the disk.
func (o *Ours) readCold() (seconds float64, err error) {
	if err := o.forget(); err != nil {
		return 0, err
	}
	return readFiles(o.dir)
}

// peakRSS is the most memory that this process has held, in bytes.
func peakRSS() (uint64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("ask for the peak of memory: %w", err)
	}
	peak := uint64(usage.Maxrss)
	if runtime.GOOS != "darwin" { // elsewhere it counts in KiB
		peak *= 1024
	}
	return peak, nil
}
