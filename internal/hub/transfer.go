package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"ttsui/internal/tts"
)

// What goes wrong with a connection, in users' words.
var (
	errStalled = errors.New("nothing came for too long")
	errCut     = errors.New("the connection broke")
	errRange   = errors.New("the server does not have the part that is missing")
)

// transfer fetches one blob into its .incomplete file. The file only ever grows at its end, so that whoever comes after
// a crash, this program or Python's, can go on from there.
type transfer struct {
	fetcher *Fetcher
	list    Listing
	file    File
	path    string // of the .incomplete file
	meter   *meter
	index   int // of the file, for the meter

	out       *os.File
	sum       hash.Hash // of what is in the file
	offset    int64     // how much that is
	endpoints []int     // the first is asked next
	whole     bool      // ask for the whole file: the server had nothing for a part
}

// run leaves the whole blob at path, or as much of it as there is together with an error. A blob with a wrong checksum
// is fetched once again, from the next endpoint, before it is given up.
func (t *transfer) run(ctx context.Context) (err error) {
	if t.out, err = os.OpenFile(t.path, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return systemError(err)
	}
	defer t.out.Close()
	for i := range t.fetcher.Endpoints {
		t.endpoints = append(t.endpoints, i)
	}
	if err := t.resume(ctx); err != nil {
		return err
	}
	for range 2 {
		t.meter.enter(t.index, Downloading)
		if err := t.fetch(ctx); err != nil {
			return err
		}
		if hex.EncodeToString(t.sum.Sum(nil)) == t.file.Blob {
			return t.finish()
		}
		if err := t.empty(); err != nil {
			return err
		}
		t.turn()
	}
	_ = os.Remove(t.path) // it is empty
	return tts.Errorf(tts.CodeCorrupt, "Try again later, or set HF_ENDPOINT to another hub.",
		"%s came with wrong content twice: its checksum is not the one that was announced", t.file.Name)
}

// newSum starts the checksum that names the blob.
func newSum(f File) hash.Hash {
	if len(f.Blob) == hex.EncodedLen(sha256.Size) {
		return sha256.New()
	}
	sum := sha1.New()
	fmt.Fprintf(sum, "blob %d\x00", f.Size) // git hashes this first
	return sum
}

// resume reads what an earlier run has left.
func (t *transfer) resume(ctx context.Context) error {
	info, err := t.out.Stat()
	if err != nil {
		return systemError(err)
	}
	if info.Size() > t.file.Size {
		return t.empty()
	}
	t.meter.enter(t.index, Verifying)
	t.sum = newSum(t.file)
	t.offset, err = io.Copy(t.sum, reader{ctx, t.out})
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	return systemError(err)
}

// reader reads until ctx ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// empty begins anew.
func (t *transfer) empty() error {
	t.sum, t.offset = newSum(t.file), 0
	t.meter.set(t.index, 0)
	return systemError(t.out.Truncate(0))
}

// turn goes on to the next endpoint.
func (t *transfer) turn() { t.endpoints = append(t.endpoints[1:], t.endpoints[0]) }

// turnFrom is turn after an error. An endpoint that won't give the file is not asked again while there is another.
func (t *transfer) turnFrom(err error) error {
	var known *tts.Error
	if errors.As(err, &known) && len(t.endpoints) > 1 {
		t.endpoints = t.endpoints[1:]
		return &passing{err: err}
	}
	t.turn()
	return err
}

// fetch asks until all bytes are there.
func (t *transfer) fetch(ctx context.Context) error {
	if t.offset == t.file.Size {
		return nil
	}
	err := t.fetcher.Retry.persist(ctx, func() (bool, error) {
		before := t.offset
		err := t.attempt(ctx)
		further := t.offset > before
		if err != nil && !further {
			err = t.turnFrom(err)
		}
		return further, err
	})
	var known *tts.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return tts.Errorf(known.Code, known.Hint, "fetch %s: %w", t.file.Name, err)
	}
	return tts.Errorf(tts.CodeUnreachable, "Start it again: it goes on where it stopped.",
		"fetch %s: %w (tried %d times)", t.file.Name, err, t.fetcher.Retry.Tries)
}

// attempt asks once and keeps what comes. It is nil when the file is whole.
func (t *transfer) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(t.fetcher.Stall, func() { cancel(errStalled) })
	defer stall.Stop()

	header := http.Header{}
	if t.offset > 0 && !t.whole {
		header.Set("Range", fmt.Sprintf("bytes=%d-", t.offset))
	}
	resp, err := t.fetcher.ask(ctx, http.MethodGet, t.endpoints[0], filePath(t.list, t.file), header)
	t.whole = errors.Is(err, errRange)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	skip, err := t.check(resp)
	if err != nil {
		return err
	}
	body := watched{resp.Body, func(int) { stall.Reset(t.fetcher.Stall) }}
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		return readError(ctx, err)
	}
	return t.keep(ctx, io.LimitReader(body, t.file.Size-t.offset))
}

// check compares what an answer says of itself with what was asked for. The first skip bytes of it are there already:
// the server gives the whole file although a part would do.
func (t *transfer) check(resp *http.Response) (skip int64, err error) {
	host := resp.Request.URL.Host
	endpoint, _ := url.Parse(t.fetcher.Endpoints[t.endpoints[0]]) // which the listing has checked
	if blob := blobOf(resp, endpoint.Host); blob != "" && blob != t.file.Blob {
		return 0, tts.Errorf(tts.CodeCorrupt, "Start it again.", "it changed on %s while it was fetched", endpoint.Host)
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return 0, &passing{err: fmt.Errorf("%s sends it in the encoding %.20q", host, encoding)}
	}
	from := int64(0)
	if resp.StatusCode == http.StatusPartialContent {
		from = t.offset
		want := fmt.Sprintf("bytes %d-%d/%d", t.offset, t.file.Size-1, t.file.Size)
		if got := resp.Header.Get("Content-Range"); got != want {
			return 0, &passing{err: fmt.Errorf("%s sends the part %.60q instead of %q", host, got, want)}
		}
	}
	if n := resp.ContentLength; n >= 0 && n != t.file.Size-from {
		return 0, &passing{err: fmt.Errorf("%s announces %d bytes instead of %d", host, n, t.file.Size-from)}
	}
	return t.offset - from, nil
}

// watched calls came with the size of each piece that is read.
type watched struct {
	io.Reader
	came func(n int)
}

// Read implements io.Reader.
func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.came(n)
	}
	return n, err
}

// keep writes what comes. Each piece is on its way to the disk before the next is read: nothing is lost by a kill.
func (t *transfer) keep(ctx context.Context, body io.Reader) error {
	buf := make([]byte, 256<<10)
	for t.offset < t.file.Size {
		n, err := body.Read(buf)
		if n > 0 {
			if _, err := t.out.WriteAt(buf[:n], t.offset); err != nil {
				return systemError(err)
			}
			t.sum.Write(buf[:n]) // never fails
			t.offset += int64(n)
			t.meter.reach(t.index, t.offset)
		}
		if err != nil && t.offset < t.file.Size {
			return readError(ctx, err)
		}
	}
	return nil
}

func readError(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	return connectionError(ctx, err)
}

// finish brings the blob to the disk and to its name.
func (t *transfer) finish() error {
	t.meter.enter(t.index, Verifying) // that the disk has it, which takes a while
	if err := t.out.Sync(); err != nil {
		return systemError(err)
	}
	final := t.path[:len(t.path)-len(filepath.Ext(t.path))]
	return systemError(os.Rename(t.path, final))
}
