package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"ttsui/internal/tts"
)

// Listing is what an endpoint says about one commit of a model, as far as TTSUI needs its files.
type Listing struct {
	ID       string
	Revision string // as asked for: a branch, a tag or a commit
	Commit   string
	Files    []File
}

// File is one file of a listing.
type File struct {
	Name string // with slashes
	Size int64
	Blob string // its content's name: SHA-256 of a large file, git's SHA-1 of a small one
}

// Size is how many bytes the files have together.
func (l Listing) Size() (bytes int64) {
	for _, f := range l.Files {
		bytes += f.Size
	}
	return bytes
}

// The names in the cache come from servers, so only what can't lead anywhere else becomes one.
var (
	isCommit   = regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString
	isBlob     = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`).MatchString
	isRevision = regexp.MustCompile(`^[A-Za-z0-9_]+([./-]?[A-Za-z0-9_]+)*$`).MatchString
)

const (
	configName   = "config.json"
	indexName    = "model.safetensors.index.json"
	weightsName  = "model.safetensors"
	weightsNames = "model*.safetensors"

	maxListing   = 16 << 20
	listingTries = 4
)

// required lists the files without which no model can be loaded, but for its weights, which may be in parts.
func required() []string {
	return []string{configName, "vocab.json", "merges.txt", "tokenizer_config.json",
		"speech_tokenizer/config.json", "speech_tokenizer/model.safetensors"}
}

// isNeeded reports whether a file of a repository is of use. Readme, pictures and other formats are not.
func isNeeded(name string) bool {
	switch name {
	case "generation_config.json", "preprocessor_config.json", indexName,
		"speech_tokenizer/configuration.json", "speech_tokenizer/preprocessor_config.json":
		return true
	}
	for _, r := range required() {
		if name == r {
			return true
		}
	}
	return isWeights(name)
}

func isWeights(name string) bool {
	ok, _ := path.Match(weightsNames, name) // the pattern is right
	return ok
}

// List asks for the files of model id at revision, "" for main. It is an error of CodeUnsupported when they are not
// those of a Qwen3-TTS model.
func (f *Fetcher) List(ctx context.Context, id, revision string) (Listing, error) {
	revision = cmp.Or(revision, "main")
	if !tts.ValidModelID(id) {
		return Listing{}, tts.Errorf(tts.CodeInvalid, "Write it as org/name.", "%.100q is not the name of a model", id)
	}
	if !isRevision(revision) || len(revision) > 200 {
		return Listing{}, tts.Errorf(tts.CodeInvalid, "Use a branch, a tag or a commit.", "%.100q is not a revision", revision)
	}
	if tts.IsLocal(id) { // whoever has that name on a hub is somebody else
		return Listing{}, tts.Errorf(tts.CodeNotFound, "Make it with: ttsui models quantize, or ttsui models import.",
			"%s is a name for this machine's own models, which no hub has", id)
	}
	if err := f.check(); err != nil {
		return Listing{}, err
	}
	var first error
	for endpoint := range f.Endpoints {
		list, err := f.listAt(ctx, endpoint, id, revision)
		if err == nil || ctx.Err() != nil {
			return list, err
		}
		first = cmp.Or(first, err)
	}
	return Listing{}, first
}

func (f *Fetcher) listAt(ctx context.Context, endpoint int, id, revision string) (Listing, error) {
	list := Listing{ID: id, Revision: revision}
	retry := f.Retry
	retry.Tries = min(retry.Tries, listingTries)
	err := retry.persist(ctx, func() (bool, error) { return false, f.readListing(ctx, endpoint, &list) })
	var known *tts.Error
	switch {
	case err == nil:
		return list, nil
	case errors.As(err, &known):
		return Listing{}, tts.Errorf(known.Code, known.Hint, "look for %s: %w", id, err)
	}
	return Listing{}, tts.Errorf(tts.CodeUnreachable, hintNetwork,
		"look for %s at %s: %w", id, f.Endpoints[endpoint], err)
}

// answer is what the endpoint says about a repository.
type answer struct {
	SHA      string
	Siblings []struct {
		Name   string `json:"rfilename"`
		Size   *int64
		BlobID string
		LFS    *struct {
			SHA256 string
			Size   int64
		}
	}
}

func (f *Fetcher) readListing(ctx context.Context, endpoint int, list *Listing) error {
	ctx, cancel := context.WithTimeoutCause(ctx, f.Stall, errStalled)
	defer cancel()
	resp, err := f.ask(ctx, http.MethodGet, endpoint, "/api/models/"+list.ID+"/revision/"+url.PathEscape(list.Revision)+"?blobs=true", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxListing))
	if err != nil {
		return connectionError(ctx, err)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || !isCommit(a.SHA) {
		return errNoHub()
	}
	list.Commit, list.Files = a.SHA, nil
	for _, s := range a.Siblings {
		if !filepath.IsLocal(s.Name) || path.Clean(s.Name) != s.Name || strings.ContainsAny(s.Name, "\\:\x00") {
			return tts.Errorf(tts.CodeCorrupt, "Don't use this model.", "it lists a file of the name %.100q, outside its folder", s.Name)
		}
		if !isNeeded(s.Name) {
			continue
		}
		file := File{Name: s.Name, Size: -1, Blob: s.BlobID}
		if s.LFS != nil {
			file.Size, file.Blob = s.LFS.Size, s.LFS.SHA256
		} else if s.Size != nil {
			file.Size = *s.Size
		}
		list.Files = append(list.Files, file)
	}
	if err := list.checkNeeded(); err != nil {
		return err
	}
	return f.describe(ctx, endpoint, list)
}

// checkNeeded refuses repositories of other models before a byte of them is fetched.
func (l *Listing) checkNeeded() error {
	names := map[string]bool{}
	for _, f := range l.Files {
		names[f.Name] = true
		names[weightsName] = names[weightsName] || isWeights(f.Name)
	}
	if missing := missingOf(append(required(), weightsName), func(name string) bool { return names[name] }); len(missing) > 0 {
		return errForeign("it has no " + strings.Join(missing, ", "))
	}
	return nil
}

func errForeign(why string) error {
	return tts.Errorf(tts.CodeUnsupported, "Use one of the models that `ttsui models list` shows, or another of the Qwen3-TTS 12 Hz family.",
		"it is not a Qwen3-TTS repository: %s", why)
}

// missingOf lists the names that aren't there.
func missingOf(names []string, there func(name string) bool) (missing []string) {
	for _, name := range names {
		if !there(name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// describe asks for sizes and blobs, file by file, where the listing lacks them: some mirrors only tell names.
func (f *Fetcher) describe(ctx context.Context, endpoint int, list *Listing) error {
	for i := range list.Files {
		file := &list.Files[i]
		if file.Size < 0 || !isBlob(file.Blob) {
			resp, err := f.ask(ctx, http.MethodHead, endpoint, filePath(*list, *file), nil)
			if err != nil {
				return err
			}
			resp.Body.Close()
			file.Size, file.Blob = sizeOf(resp), blobOf(resp, resp.Request.URL.Host)
		}
		if file.Size < 0 || !isBlob(file.Blob) {
			return tts.Errorf(tts.CodeUnreachable, "Use another endpoint.", "no size and checksum is told for %s", file.Name)
		}
	}
	return nil
}

// sizeOf reads a file's size off the answer to HEAD, -1 when it isn't told.
func sizeOf(resp *http.Response) int64 {
	if size, err := strconv.ParseInt(resp.Header.Get("X-Linked-Size"), 10, 64); err == nil {
		return size
	}
	if resp.StatusCode != http.StatusOK {
		return -1
	}
	return resp.ContentLength
}

// filePath is where an endpoint has a file.
func filePath(list Listing, file File) string {
	var escaped []string
	for part := range strings.SplitSeq(file.Name, "/") {
		escaped = append(escaped, url.PathEscape(part))
	}
	return fmt.Sprintf("/%s/resolve/%s/%s", list.ID, list.Commit, strings.Join(escaped, "/"))
}

// blobOf reads the blob's name off an answer: from the hub's own header, which stands on the redirect to another host,
// else from an ETag of the hub itself. It is "" when there is none, or one that means something else.
func blobOf(resp *http.Response, host string) string {
	tag := ""
	for ; resp != nil; resp = resp.Request.Response {
		if linked := cleanTag(resp.Header.Get("X-Linked-Etag")); linked != "" {
			return linked
		}
		if resp.Request.URL.Host == host {
			tag = cmp.Or(tag, cleanTag(resp.Header.Get("ETag")))
		}
	}
	return tag
}

func cleanTag(tag string) string {
	tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
	if !isBlob(tag) {
		return ""
	}
	return tag
}
