package fakehub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is what goes wrong with one answer. The zero Fault is an answer as it should be.
type Fault struct {
	Status      int               // the answer is this status instead
	RetryAfter  string            // and this header with it
	Cut         int64             // the connection breaks after so many bytes, if any
	Stall       int64             // nothing comes after so many bytes, if any
	Lie         int64             // added to the length that is announced
	IgnoreRange bool              // the whole file comes, whatever was asked
	Shift       int64             // added to where the range that comes begins
	Flip        bool              // the first byte is another
	ETag        string            // the file has become another
	Pause       time.Duration     // before each piece
	Sending     func(total int64) // sees how many bytes of files were sent, before each piece
}

// piece is how much of a file is sent at a time.
const piece = 8 << 10

// find looks the repository and revision of a request up, and answers as the real Hub does when they aren't there.
func (h *Hub) find(w http.ResponseWriter, r *http.Request) *repository {
	h.mu.Lock()
	defer h.mu.Unlock()
	repo := h.repos[r.PathValue("org")+"/"+r.PathValue("name")]
	revision := r.PathValue("revision")
	switch {
	case h.Token != "" && r.Header.Get("Authorization") != "Bearer "+h.Token:
		w.Header().Set("X-Error-Code", "GatedRepo")
		http.Error(w, "Access to this model is restricted.", http.StatusUnauthorized)
	case repo == nil: // the real one doesn't tell strangers what there is
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, "Invalid username or password.", http.StatusUnauthorized)
	case revision != "main" && revision != repo.commit:
		w.Header().Set("X-Error-Code", "RevisionNotFound")
		http.Error(w, "Invalid rev id: "+revision, http.StatusNotFound)
	default:
		return repo
	}
	return nil
}

// serveInfo lists a repository as GET /api/models/{id}/revision/{revision} does.
func (h *Hub) serveInfo(w http.ResponseWriter, r *http.Request) {
	repo := h.find(w, r)
	if repo == nil {
		return
	}
	siblings := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(repo.files)) {
		f := repo.files[name]
		s := map[string]any{"rfilename": name}
		if r.FormValue("blobs") != "" && !h.Bare {
			size := cmp.Or(h.Sizes[name], int64(len(f.data)))
			s["size"], s["blobId"] = size, f.blob
			if f.lfs {
				s["blobId"] = gitID([]byte("pointer to " + f.blob))
				s["lfs"] = map[string]any{"sha256": f.blob, "size": size, "pointerSize": 134}
			}
		}
		siblings = append(siblings, s)
	}
	answer(w, map[string]any{"id": r.PathValue("org") + "/" + r.PathValue("name"), "sha": repo.commit, "siblings": siblings})
}

// serveModels lists the repositories of an author whose names have a text in them, as GET /api/models does.
func (h *Hub) serveModels(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []map[string]any{}
	for id := range h.repos {
		if org, name, _ := strings.Cut(id, "/"); org == r.FormValue("author") && strings.Contains(name, r.FormValue("search")) {
			list = append(list, map[string]any{"id": id, "modelId": id, "private": false})
		}
	}
	answer(w, list)
}

// serveTree lists a repository as GET /api/models/{id}/tree/{revision} does, for Python's client.
func (h *Hub) serveTree(w http.ResponseWriter, r *http.Request) {
	repo := h.find(w, r)
	if repo == nil {
		return
	}
	entries := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(repo.files)) {
		f := repo.files[name]
		e := map[string]any{"type": "file", "path": name, "size": len(f.data), "oid": f.blob}
		if f.lfs {
			e["oid"] = gitID([]byte("pointer to " + f.blob))
			e["lfs"] = map[string]any{"oid": f.blob, "size": len(f.data), "pointerSize": 134}
		}
		entries = append(entries, e)
	}
	answer(w, entries)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body) // a client that has gone needs no answer
}

// serveFile answers for a file's bytes: with them, or for a large file with where they are.
func (h *Hub) serveFile(w http.ResponseWriter, r *http.Request) {
	repo := h.find(w, r)
	if repo == nil {
		return
	}
	name := r.PathValue("path")
	f, ok := repo.files[name]
	w.Header().Set("X-Repo-Commit", repo.commit)
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "Entry not found", http.StatusNotFound)
		return
	}
	var fault Fault
	if r.Method == http.MethodGet {
		fault = h.note(name, r)
	}
	if fault.Status != 0 {
		w.Header().Set("Retry-After", fault.RetryAfter)
		http.Error(w, http.StatusText(fault.Status), fault.Status)
		return
	}
	tag := strconv.Quote(f.blob)
	if fault.ETag != "" {
		tag = strconv.Quote(fault.ETag)
	}
	if !f.lfs {
		w.Header().Set("ETag", tag)
		h.send(w, r, f, fault)
		return
	}
	w.Header().Set("X-Linked-Etag", tag)
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(f.data)))
	http.Redirect(w, r, h.cdnURL+"/"+r.PathValue("org")+"/"+r.PathValue("name")+"/"+name, http.StatusFound)
}

// serveLarge is the host of large files.
func (h *Hub) serveLarge(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	if r.Header.Get("Authorization") != "" {
		h.leaks++
	}
	repo := h.repos[r.PathValue("org")+"/"+r.PathValue("name")]
	name := r.PathValue("path")
	fault := Fault{}
	for _, asked := range slices.Backward(h.requests) {
		if asked.Name == name && h.fault != nil {
			fault = h.fault(asked)
			break
		}
	}
	h.mu.Unlock()
	w.Header().Set("ETag", `"of the host's own"`)
	h.send(w, r, repo.files[name], fault)
}

// note keeps the request in the books and gives its fault.
func (h *Hub) note(name string, r *http.Request) Fault {
	asked := Request{Name: name, N: 1}
	asked.Offset, asked.Ranged = offset(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, earlier := range h.requests {
		if earlier.Name == name {
			asked.N++
		}
	}
	h.requests = append(h.requests, asked)
	if h.fault == nil {
		return Fault{}
	}
	return h.fault(asked)
}

// offset reads a header of the form "Range: bytes=5-", the only one that resuming needs.
func offset(r *http.Request) (from int64, ranged bool) {
	_, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
	return from, err == nil
}

// send writes the bytes that were asked for, spoilt as fault says.
func (h *Hub) send(w http.ResponseWriter, r *http.Request, f file, fault Fault) {
	from, ranged := offset(r)
	status, size := http.StatusOK, int64(len(f.data))
	if ranged && !fault.IgnoreRange {
		if from >= size {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
			http.Error(w, "", http.StatusRequestedRangeNotSatisfiable)
			return
		}
		from = min(max(0, from+fault.Shift), size-1)
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, size-1, size))
	} else {
		from = 0
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size-from+fault.Lie, 10))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	h.write(w, r, f.data[from:], fault)
}

func (h *Hub) write(w http.ResponseWriter, r *http.Request, data []byte, fault Fault) {
	for done := 0; done < len(data); {
		end := min(done+piece, len(data))
		if fault.Cut > 0 {
			end = min(end, int(fault.Cut))
		}
		if fault.Stall > 0 {
			end = min(end, int(fault.Stall))
		}
		switch {
		case end == done && fault.Cut > 0:
			panic(http.ErrAbortHandler)
		case end == done:
			h.pause(r, time.Hour)
			return
		case fault.Pause > 0:
			h.pause(r, fault.Pause)
		}
		if fault.Sending != nil {
			fault.Sending(h.sent.Load())
		}
		part := data[done:end]
		if fault.Flip && done == 0 {
			part = append([]byte{^part[0]}, part[1:]...)
		}
		n, err := w.Write(part)
		h.sent.Add(int64(n))
		if err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		done = end
	}
}

// pause waits, but not for a client that has gone nor beyond the test.
func (h *Hub) pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-h.closing:
	}
}

// Names lists the files that were asked for, each once, in order.
func Names(requests []Request) string {
	var names []string
	for _, r := range requests {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}
