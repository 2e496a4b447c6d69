package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/server"
	"ttsui/internal/tts"
	"ttsui/resources"
)

// contract is openapi.yaml as a tree, and as schemas that can be held against JSON.
type contract struct {
	tree     map[string]any
	compiler *jsonschema.Compiler
}

func readContract(t *testing.T) *contract {
	c := &contract{compiler: jsonschema.NewCompiler()}
	if err := yaml.Unmarshal([]byte(resources.OpenAPI), &c.tree); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c.tree) // as jsonschema has its numbers
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c.compiler.DefaultDraft(jsonschema.Draft2020) // which OpenAPI 3.1 uses
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// at walks down the tree, and through references.
func (c *contract) at(path ...string) (pointer string, value any) {
	value = c.tree
	for _, name := range path {
		m, _ := value.(map[string]any)
		value, pointer = m[name], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if m, ok := value.(map[string]any); ok && m["$ref"] != nil {
			pointer = strings.TrimPrefix(m["$ref"].(string), "#")
			_, value = c.at(strings.Split(strings.TrimPrefix(pointer, "/"), "/")...)
		}
	}
	return pointer, value
}

// check holds JSON against the schema at path.
func (c *contract) check(text []byte, path ...string) error {
	pointer, value := c.at(path...)
	if value == nil {
		return fmt.Errorf("there is no %s", strings.Join(path, " "))
	}
	schema, err := c.compiler.Compile("openapi.json#" + pointer)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

// routesOf lists the routes of a server as "GET /health".
func routesOf(t *testing.T, s *server.Server) (list []string) {
	err := chi.Walk(s.Routes(), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		list = append(list, method+" "+path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func TestContractListsTheRoutes(t *testing.T) {
	var described []string
	_, paths := readContract(t).at("paths")
	for path, operations := range paths.(map[string]any) {
		for method := range operations.(map[string]any) {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(described)
	if d := cmp.Diff(routesOf(t, server.New(server.Config{Log: zerolog.Nop()})), described); d != "" {
		t.Error("routes and openapi.yaml differ:", d)
	}
}

// TestContractListsTheCodes holds the list of codes to the ones that the server knows a status for.
func TestContractListsTheCodes(t *testing.T) {
	c := readContract(t)
	for _, code := range []tts.Code{tts.CodeInvalid, tts.CodeNotFound, tts.CodeNotLoaded, tts.CodeBusy, tts.CodeQueueFull, tts.CodeCanceled, tts.CodeTimeout,
		tts.CodeCorrupt, tts.CodeUnsupported, tts.CodeDenied, tts.CodeDiskFull, tts.CodeNoMemory, tts.CodeInternal} {
		if err := c.check(fmt.Appendf(nil, "%q", code), "components", "schemas", "ErrorCode"); err != nil {
			t.Error(err)
		}
	}
}

// TestContractHoldsSchemas compiles every schema, and holds every example against its own.
func TestContractHoldsSchemas(t *testing.T) {
	c := readContract(t)
	_, schemas := c.at("components", "schemas")
	for name := range schemas.(map[string]any) {
		if _, err := c.compiler.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Error(err)
		}
	}
	for _, route := range routesOf(t, server.New(server.Config{Log: zerolog.Nop()})) {
		method, path, _ := strings.Cut(route, " ")
		at := []string{"paths", path, strings.ToLower(method), "requestBody", "content", "application/json"}
		_, body := c.at(at...)
		if body == nil {
			continue
		}
		example, err := json.Marshal(body.(map[string]any)["example"])
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(example, append(at, "schema")...); err != nil {
			t.Errorf("%s: its example: %v", route, err)
		}
	}
}

// TestAnswersKeepTheContract asks a running server for everything, well and badly, and holds the answers and the good
// requests against openapi.yaml.
func TestAnswersKeepTheContract(t *testing.T) {
	c := readContract(t)
	h := open(t, &registrytest.Tones{OnClose: func(id string) error {
		if id == custom {
			return tts.Errorf(tts.CodeTimeout, "Start TTSUI again.", "it does not let go")
		}
		return nil
	}})
	met := map[string]bool{}
	ask := func(status int, method, path, route string, body any) object {
		t.Helper()
		got, answer := h.call(t, method, path, body)
		text, err := json.Marshal(answer)
		if err != nil || got != status {
			t.Fatalf("%s %s: %d %s, %v", method, path, got, text, err)
		}
		met[method+" "+route] = true
		at := []string{"paths", route, strings.ToLower(method)}
		word := "default"
		if status == 200 {
			word = "200"
		}
		if err := c.check(text, append(at, "responses", word, "content", "application/json", "schema")...); err != nil {
			t.Errorf("%s %s answers %s: %v", method, path, text, err)
		}
		if sent, ok := body.(object); ok && status == 200 {
			text, _ := json.Marshal(sent)
			if err := c.check(text, append(at, "requestBody", "content", "application/json", "schema")...); err != nil {
				t.Errorf("%s %s takes %s: %v", method, path, text, err)
			}
		}
		return answer
	}
	get := func(path string) object { t.Helper(); return ask(200, "GET", path, path, nil) }
	post := func(status int, path string, body any) object {
		t.Helper()
		return ask(status, "POST", path, path, body)
	}

	get("/health")
	get("/stats")
	get("/jobs")
	get("/models")
	get("/models/published")
	for _, id := range []string{base, custom, tts.DesignModelID, "somebody/missing"} {
		post(200, "/models/load", object{"model_id": id, "force": true})
	}
	get("/models")
	for path, body := range map[string]object{"/generate/clone": h.clone(), "/generate/control": h.control(), "/generate/design": h.design()} {
		answer := post(200, path, with(with(with(with(body, "seed", 7), "priority", "batch"), "long_text", "auto"), "runaway_guard", true))
		ask(200, "GET", "/jobs/"+answer["job_id"].(string), "/jobs/{id}", nil)
		ask(200, "DELETE", "/jobs/"+answer["job_id"].(string), "/jobs/{id}", nil)
		post(200, path, with(body, "takes", 3))
		post(400, path, with(body, "text", ""))
		post(400, path, with(body, "no such field", 1))
		post(400, path, "{")
	}
	voice := post(200, "/voices", object{"name": "Me", "ref_audio_path": h.clone()["ref_audio_path"], "ref_text": "Hi."})
	post(200, "/generate/clone", with(with(without(h.clone(), "ref_audio_path"), "voice", "me"), "ref_tail_silence", true))
	get("/voices")
	at := "/voices/" + voice["id"].(string)
	ask(200, "GET", at, "/voices/{id}", nil)
	ask(200, "PATCH", at, "/voices/{id}", object{"name": "I & you"})
	ask(400, "PATCH", at, "/voices/{id}", object{})
	post(400, "/voices", object{"name": "I & You", "ref_audio_path": h.clone()["ref_audio_path"]})
	ask(200, "DELETE", "/voices/i%20%26%20you", "/voices/{id}", nil)
	ask(404, "GET", at+"/audio", "/voices/{id}/audio", nil)
	get("/stats")
	get("/jobs")
	get("/logs")
	ask(200, "GET", "/logs?level=info&since=0&limit=3", "/logs", nil)
	ask(400, "GET", "/logs?level=loud", "/logs", nil)
	post(200, "/logs/clear", object{})
	post(200, "/models/unload", object{"model_id": base, "wait": true})
	post(200, "/models/unload", object{"model_id": "somebody/unknown"})
	if answer := post(200, "/models/unload", object{"model_id": custom}); answer["code"] != "timeout" {
		t.Errorf("an unload that fails: %v", answer)
	}
	post(400, "/models/load", object{"model_id": "no id"})
	post(200, "/models/remove", object{"model_id": custom})
	post(404, "/models/remove", object{"model_id": "somebody/unknown"})
	for _, path := range []string{"/models/quantize", "/models/quantize/plan"} {
		post(200, path, object{"model_id": base, "bits": 4, "group_size": 32, "mixed": true, "heads": true})
		post(400, path, object{"model_id": base, "bits": 5})
		post(404, path, object{"model_id": "somebody/missing", "bits": 4})
	}
	for _, path := range []string{"/models/verify", "/models/repair"} {
		post(200, path, object{"model_id": base})
		post(404, path, object{"model_id": "somebody/unknown"})
	}
	post(200, "/models/published/copies", object{"model_id": base})
	ask(404, "GET", "/jobs/none", "/jobs/{id}", nil)
	ask(404, "GET", "/jobs/none/events", "/jobs/{id}/events", nil)

	for _, route := range routesOf(t, h.server) {
		if !met[route] && !slices.Contains([]string{"GET /models/stream", "GET /logs/stream", "GET /openapi.yaml", "GET /docs"}, route) {
			t.Errorf("%s was not asked", route)
		}
	}
}

// TestContractCanFail holds answers against it that it must not take.
func TestContractCanFail(t *testing.T) {
	c := readContract(t)
	for schema, text := range map[string]string{
		"Download":       `{"bytes_done":1,"bytes_total":2,"rate":null}`,
		"Error":          `{"detail":"a","code":"new","hint":""}`,
		"Health":         `{"status":"healthy","timestamp":"yesterday"}`,
		"Model":          `{"model_id":"a/b","state":"asleep","memory":{"before_mb":null,"after_mb":null,"delta_mb":null},"load_time_seconds":null,"error":null}`,
		"LogEntry":       `{"id":1,"timestamp":"2024-01-15 10:30:45,123","unix_ms":1,"level":"INFO","message":"a","more":1}`,
		"ControlRequest": `{"model_id":"a/b","text":"a","speaker":"Ryan","output_path":"/tmp/a.wav","colour":"red"}`,
		"DesignRequest":  `{"text":"a"}`,
	} {
		if err := c.check([]byte(text), "components", "schemas", schema); err == nil {
			t.Errorf("%s takes %s", schema, text)
		}
	}
}

// TestDocs reads the page as a browser does: it is whole, its links lead somewhere, its style is the one that its
// header allows, and there is nothing else to run or fetch.
func TestDocs(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	fetch := func(path string) (http.Header, string) {
		res, err := http.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(path, res.Status, err)
		}
		return res.Header, string(text)
	}
	header, page := fetch("/docs")
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	hash := sha256.Sum256([]byte(style))
	want := "default-src 'none'; frame-ancestors 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	if got := header.Get("Content-Security-Policy"); got != want || style == "" || header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the page's header allows %q, want %q", got, want)
	}
	checkTags(t, page)
	for _, route := range routesOf(t, h.server) {
		method, path, _ := strings.Cut(route, " ")
		if !strings.Contains(page, fmt.Sprintf(`<span class="method">%s</span> %s</code></h3>`, method, path)) {
			t.Errorf("the page does not show %s", route)
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+link[1]+`"`) {
			t.Errorf("the link to %s leads nowhere", link[1])
		}
	}
	if bad := regexp.MustCompile(`<script|<img|<link| style=|https?://|ZgotmplZ|&lt;no value|%!|\[\]interface`).FindString(page); bad != "" {
		t.Errorf("the page has %q", bad)
	}
	if header, text := fetch("/openapi.yaml"); text != resources.OpenAPI || header.Get("Content-Type") != "application/yaml" {
		t.Error("/openapi.yaml is something else")
	}
}

// checkTags wants every tag to be closed.
func checkTags(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
