package speech

import (
	"path/filepath"
	"strings"
	"time"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

// recording is where the sound of a generation goes: into its file, to who listens, or both. What is in the file can be
// taken back; what was heard can't.
type recording struct {
	file     *audio.WAVFile // nil without an output path
	listener tts.Sink       // nil when nobody listens
	old      *audio.Result  // what the speech is put into; nil for a new result
	splice   tts.Splice     // where
	samples  int            // of the result so far
	first    firstSound
}

// record begins the recording that req asks for.
func (s *Service) record(req tts.Request) (*recording, error) {
	r := &recording{listener: req.Audio, first: firstSound{since: time.Now()}}
	if req.OutputPath == "" {
		return r, nil
	}
	if s.Note != nil {
		s.Note(filepath.Dir(req.OutputPath))
	}
	var err error
	if r.file, err = s.createWAV(req.OutputPath); err != nil {
		return nil, err
	}
	if req.Splice == nil {
		return r, nil
	}
	r.splice = *req.Splice
	if r.old, err = openSplice(r.splice); err == nil {
		err = r.old.Copy(r.file, 0, r.splice.Start)
		r.samples = r.splice.Start
	}
	if err != nil {
		r.abort()
		return nil, err
	}
	return r, nil
}

// openSplice opens the result that the speech goes into.
func openSplice(at tts.Splice) (*audio.Result, error) {
	old, err := audio.OpenResult(at.Path)
	if err != nil {
		return nil, err
	}
	if n := old.Samples(); at.End > n {
		old.Close()
		return nil, tts.Errorf(tts.CodeInvalid, "Send start_sample and end_sample of a segment.", "splice ends at sample %d of %d", at.End, n)
	}
	return old, nil
}

// WriteSamples implements tts.Sink.
func (r *recording) WriteSamples(pcm []float32) error {
	r.first.note()
	r.samples += len(pcm)
	if r.file != nil {
		if err := r.file.WriteSamples(pcm); err != nil {
			return err
		}
	}
	if r.listener != nil {
		return r.listener.WriteSamples(pcm)
	}
	return nil
}

// firstSound notes when the first sample comes.
type firstSound struct {
	since time.Time
	after time.Duration // 0 before it
}

func (f *firstSound) note() {
	if f.after == 0 {
		f.after = time.Since(f.since)
	}
}

// WriteSamples implements tts.Sink.
func (f *firstSound) WriteSamples([]float32) error {
	f.note()
	return nil
}

// rest is silent for a while.
func (r *recording) rest(pause time.Duration) error {
	silence := make([]float32, tts.FrameSamples)
	for left := int(pause.Seconds() * tts.SampleRate); left > 0; left -= len(silence) {
		silence = silence[:min(left, len(silence))]
		if err := r.WriteSamples(silence); err != nil {
			return err
		}
	}
	return nil
}

// rewind takes back all but the first samples of the file.
func (r *recording) rewind(samples int) error {
	r.samples = samples
	return r.file.Truncate(samples)
}

// commit completes the file. What stood behind the splice comes behind the speech.
func (r *recording) commit() error {
	if r.old != nil {
		if err := r.old.Copy(r.file, r.splice.End, r.old.Samples()); err != nil {
			return err
		}
		r.samples += r.old.Samples() - r.splice.End
	}
	return r.file.Commit()
}

// abort throws away a file that is not complete.
func (r *recording) abort() {
	if r.file != nil {
		r.file.Abort()
	}
	if r.old != nil {
		r.old.Close()
	}
}

// partialPath is where what was finished of a long text is kept: beside the result, which is whole or not there.
func partialPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".partial.wav"
}
