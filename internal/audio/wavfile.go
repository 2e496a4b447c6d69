package audio

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// WAVFile is a 16-bit mono WAV file at tts.SampleRate in the making: complete after Commit, absent before. It is
// not safe for concurrent use.
type WAVFile struct {
	root    *os.Root // all happens below it
	file    *atomicfile.File
	folders []string // made for the file, the deepest first
	samples int
	buf     []byte
}

var _ tts.Sink = (*WAVFile)(nil)

const (
	wavHeaderSize = 44
	wavWidth      = 2                                           // bytes of a sample
	mostSamples   = (math.MaxUint32 - wavHeaderSize) / wavWidth // whose size fits the header's 32 bits
)

// CreateWAV starts the WAV file that Commit will put at path. Missing folders are made. The caller must end the file
// by Commit or Abort; deferring Abort is the simplest way, as it does nothing after Commit.
func CreateWAV(path string) (*WAVFile, error) {
	dir := filepath.Dir(path)
	for {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return nil, folderError(dir, err)
		}
		dir = filepath.Dir(dir)
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return nil, folderError(dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, folderError(dir, err)
	}
	return CreateWAVIn(root, name)
}

// CreateWAVIn is CreateWAV for a name below the folder root. Links that lead out of root are refused, also ones that
// appear while the file is made. It takes root over and closes it in the end.
func CreateWAVIn(root *os.Root, name string) (*WAVFile, error) {
	w := &WAVFile{root: root}
	if err := w.create(name); err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

func (w *WAVFile) create(name string) error {
	if err := w.makeFolders(filepath.Dir(name)); err != nil {
		return err
	}
	var err error
	if w.file, err = atomicfile.CreateIn(w.root, name); err != nil {
		return err
	}
	_, err = w.file.Write(wavHeader(0))
	return err
}

// Samples is how many samples there are so far.
func (w *WAVFile) Samples() int { return w.samples }

// Truncate takes back all samples but the first n.
func (w *WAVFile) Truncate(n int) error {
	w.samples = n
	return w.file.Truncate(wavHeaderSize + int64(n)*wavWidth)
}

// Rename has Commit put the file at another name in the same folder.
func (w *WAVFile) Rename(name string) error { return w.file.Rename(name) }

// WriteSamples appends mono samples. They are clamped to [−1, 1], scaled by 32767 and rounded to the nearest
// integer, as libsndfile does; what is not a number becomes silence.
func (w *WAVFile) WriteSamples(pcm []float32) error {
	if w.samples+len(pcm) > mostSamples {
		return tts.Errorf(tts.CodeUnsupported, "Speak it in parts.", "a WAV file holds no more than 24 hours")
	}
	w.buf = appendInt16s(w.buf[:0], binary.LittleEndian, pcm)
	w.samples += len(pcm)
	_, err := w.file.Write(w.buf)
	return err
}

func appendInt16s(b []byte, order binary.AppendByteOrder, pcm []float32) []byte {
	for _, v := range pcm {
		b = order.AppendUint16(b, uint16(Int16(v)))
	}
	return b
}

// Int16 is a sample of a WAVFile.
func Int16(v float32) int16 {
	if math.IsNaN(float64(v)) {
		return 0
	}
	return int16(math.RoundToEven(float64(max(-1, min(1, v))) * math.MaxInt16))
}

// Private lets nobody but this user read the file.
func (w *WAVFile) Private() { w.file.Mode = 0o600 }

// Commit completes the header and puts the file at its name in one step. When it fails, nothing is left of the file
// and what stood at the name before is untouched.
func (w *WAVFile) Commit() error {
	if _, err := w.file.WriteAt(wavHeader(uint32(w.samples*wavWidth)), 0); err != nil {
		w.Abort()
		return err
	}
	if err := w.file.Commit(); err != nil {
		w.Abort()
		return err
	}
	w.folders = nil
	_ = w.root.Close()
	return nil
}

// Abort throws the file away, together with the folders that CreateWAV made, as far as nobody else put something
// into them. It may be called at any time, also more than once and after Commit.
func (w *WAVFile) Abort() {
	if w.file != nil {
		w.file.Abort()
	}
	for _, dir := range w.folders {
		if w.root.Remove(dir) != nil { // in use, and so are all above it
			break
		}
	}
	w.folders = nil
	_ = w.root.Close()
}

// makeFolders makes dir and what is missing above it, and keeps what it made, the deepest first; also when it fails.
func (w *WAVFile) makeFolders(dir string) error {
	err := w.isFolder(dir)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		if err := w.makeFolders(filepath.Dir(dir)); err != nil {
			return err
		}
		err = w.root.Mkdir(dir, 0o755)
		if err == nil {
			w.folders = append([]string{dir}, w.folders...)
		} else if errors.Is(err, fs.ErrExist) { // somebody else was faster, or it is a link to nowhere
			err = w.isFolder(dir)
		}
	}
	if err != nil {
		return folderError(filepath.Join(w.root.Name(), dir), err)
	}
	return nil
}

// isFolder tells what is wrong with name as a folder.
func (w *WAVFile) isFolder(name string) error {
	info, err := w.root.Stat(name)
	if err == nil && !info.IsDir() {
		return syscall.ENOTDIR
	}
	return err
}

func folderError(dir string, err error) error {
	told := explain(err)
	return tts.Errorf(tts.CodeOf(told), tts.HintOf(told), "make folder %s: %w", dir, told)
}

// wavHeader is all that stands before size bytes of samples.
func wavHeader(size uint32) []byte {
	const channels = 1
	le := binary.LittleEndian
	b := make([]byte, 0, wavHeaderSize)
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, max(size, wavHeaderSize-8+size)) // the largest size stands for an unknown one, here too
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, tagPCM)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, tts.SampleRate)
	b = le.AppendUint32(b, tts.SampleRate*channels*wavWidth)
	b = le.AppendUint16(b, channels*wavWidth)
	b = le.AppendUint16(b, 8*wavWidth)
	b = append(b, "data"...)
	return le.AppendUint32(b, size)
}
