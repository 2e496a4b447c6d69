// Package fakehub is a Hugging Face Hub on this machine, for tests. It answers the questions that clients of the real
// one ask: about a repository's files, and for their bytes, the large ones on another host. It can do every wrong that
// a network and a server can do, see Fault, and it keeps books on what was asked.
package fakehub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Hub is a running hub: the Hub itself and, on another port, the host of large files.
type Hub struct {
	URL   string // the endpoint
	Token string // asked for when set
	Bare  bool   // lists names only, as poor mirrors do

	Sizes map[string]int64 // that the listing gives files of these names, other than their own

	hub, cdn *httptest.Server
	cdnURL   string
	closing  chan struct{}
	sent     atomic.Int64

	mu       sync.Mutex
	repos    map[string]*repository
	fault    func(Request) Fault
	requests []Request
	leaks    int
}

// repository is one commit of one model.
type repository struct {
	commit string
	files  map[string]file
}

type file struct {
	data []byte
	blob string // what the Hub calls its ETag: SHA-256 of a large file, git's id of a small one
	lfs  bool
}

// Request is one question for a file's bytes.
type Request struct {
	Name   string
	N      int   // of the questions for this file, from 1
	Offset int64 // where the asked range begins
	Ranged bool  // whether a range was asked for
}

// Start runs a hub until the test ends.
func Start(t testing.TB) *Hub {
	h := Open()
	t.Cleanup(h.Close)
	return h
}

// Open runs a hub until Close, for programs that aren't tests.
func Open() *Hub { return open(func(*httptest.Server, string) {}) }

// StartUnix runs a hub on sockets in dir until the test ends. Between it and its client there are only a few KiB on
// the way at any time. The client needs Dialer.
func StartUnix(t testing.TB, dir string) *Hub {
	h := open(func(s *httptest.Server, name string) {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s.Listener.Close()
		s.Listener = narrow{l}
	})
	t.Cleanup(h.Close)
	h.URL, h.cdnURL = "http://hub", "http://cdn"
	return h
}

func open(listen func(s *httptest.Server, name string)) *Hub {
	h := &Hub{closing: make(chan struct{}), repos: map[string]*repository{}}
	api := http.NewServeMux()
	api.HandleFunc("GET /api/models/{org}/{name}/revision/{revision}", h.serveInfo)
	api.HandleFunc("GET /api/models", h.serveModels)
	api.HandleFunc("GET /api/models/{org}/{name}/tree/{revision}", h.serveTree)
	files := http.NewServeMux()
	files.HandleFunc("GET /{org}/{name}/resolve/{revision}/{path...}", h.serveFile)
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			api.ServeHTTP(w, r)
			return
		}
		files.ServeHTTP(w, r)
	})
	cdn := http.NewServeMux()
	cdn.HandleFunc("GET /{org}/{name}/{path...}", h.serveLarge)
	h.hub, h.cdn = httptest.NewUnstartedServer(both), httptest.NewUnstartedServer(cdn)
	for name, s := range map[string]*httptest.Server{"hub": h.hub, "cdn": h.cdn} {
		listen(s, name)
		s.Start()
	}
	h.URL, h.cdnURL = h.hub.URL, h.cdn.URL
	return h
}

// Close ends the hub.
func (h *Hub) Close() {
	close(h.closing)
	h.hub.Close()
	h.cdn.Close()
}

// Dialer connects a client of StartUnix.
func Dialer(dir string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		host, _, _ := strings.Cut(addr, ":")
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, host))
	}
}

// narrow is a listener whose connections hold little that hasn't been read.
type narrow struct{ net.Listener }

// Accept implements net.Listener.
func (l narrow) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if unix, ok := conn.(*net.UnixConn); ok {
		err = unix.SetWriteBuffer(4 << 10)
	}
	return conn, err
}

// Add gives the model id these files, as a new commit, which main points to from then on.
func (h *Hub) Add(id string, files map[string][]byte) (commit string) {
	repo := &repository{files: map[string]file{}}
	sum := sha1.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := newFile(name, files[name])
		repo.files[name] = f
		fmt.Fprintln(sum, name, f.blob)
	}
	repo.commit = hex.EncodeToString(sum.Sum(nil))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repos[id] = repo
	return repo.commit
}

func newFile(name string, data []byte) file {
	if strings.HasSuffix(name, ".safetensors") {
		sum := sha256.Sum256(data)
		return file{data, hex.EncodeToString(sum[:]), true}
	}
	return file{data, gitID(data), false}
}

// gitID is what git calls a file of this content.
func gitID(data []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
	return hex.EncodeToString(sum[:])
}

// Model makes the files of a Qwen3-TTS repository, as far as a download is concerned: random weights of the given size,
// a codec of a quarter of it, and two files that nobody needs.
func Model(weights int) map[string][]byte {
	random := rand.NewChaCha8([32]byte{byte(weights)})
	bytes := func(n int) []byte {
		data := make([]byte, n)
		random.Read(data) // never fails
		return data
	}
	return map[string][]byte{
		"config.json":                        []byte(`{"model_type": "qwen3_tts", "tts_model_type": "base"}`),
		"generation_config.json":             []byte(`{}`),
		"vocab.json":                         bytes(3000),
		"merges.txt":                         bytes(2000),
		"tokenizer_config.json":              []byte(`{"a": 1}`),
		"model.safetensors":                  bytes(weights),
		"model.safetensors.index.json":       []byte(`{"weight_map": {"a": "model.safetensors"}}`),
		"speech_tokenizer/config.json":       []byte(`{"model_type": "qwen3_tts_tokenizer_12hz"}`),
		"speech_tokenizer/model.safetensors": bytes(weights / 4),
		"README.md":                          []byte("# A model\n"),
		".gitattributes":                     []byte("*.safetensors filter=lfs\n"),
	}
}

// Break lets f decide what goes wrong with each answer to a question for a file's bytes.
func (h *Hub) Break(f func(Request) Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

// Requests lists the questions for files' bytes so far.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}

// Sent counts the bytes of files that were sent so far.
func (h *Hub) Sent() int64 { return h.sent.Load() }

// Blobs maps the names of a model's files to the names of their contents.
func (h *Hub) Blobs(id string) map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	blobs := map[string]string{}
	if repo := h.repos[id]; repo != nil {
		for name, f := range repo.files {
			blobs[name] = f.blob
		}
	}
	return blobs
}

// Leaks counts how often the host of large files was shown a token.
func (h *Hub) Leaks() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.leaks
}
