package attack

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
)

func pick[T any](a *Attacker, list ...T) T { return list[a.IntN(len(list))] }

// noise is up to n bytes of any kind.
func (a *Attacker) noise(n int) string {
	b := make([]byte, a.IntN(n+1))
	for i := range b {
		b[i] = byte(a.Uint32())
	}
	return string(b)
}

// Request is a request as it goes over the wire.
func (a *Attacker) Request() string {
	e := a.Endpoints[a.IntN(len(a.Endpoints))]
	if strings.HasPrefix(e.Path, "/voices/") {
		e.Path = strings.Replace(e.Path, "{id}", pick(a, "Eve", "Eve", "eve", "Mallory", "..", "%2e%2e", "..%2f..%2fsecret.wav", "%00", "%zz", "%ff"), 1)
	}
	if a.IntN(8) == 0 {
		e.Method = pick(a, "GET", "POST", "PUT", "TRACE", "get", "\x00", "A"+strings.Repeat("B", 300))
	}
	if a.IntN(8) == 0 {
		e.Path += pick(a, "/", "?a=b", "?since=-1&level=x", "%00", "%2e%2e/x", "/../models",
			";x", "#y", "//", strings.Repeat("/z", 2000), " ", "?%zz", "?since=0&limit=1")
	}
	lines := []string{e.Method + " " + e.Path + " HTTP/" + pick(a, "1.1", "1.1", "1.1", "1.1", "1.1", "1.1", "1.0", "9.9")}
	for range a.IntN(3) {
		name := pick(a, "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Authorization", "Cookie", "X-Forwarded-Host", "Accept",
			"Last-Event-ID", "Range", "Upgrade", "Connection", "Expect", "X-"+a.noise(5))
		lines = append(lines, name+": "+pick(a, "http://"+a.Addr, "same-origin", "null", "cors", "close",
			"100-continue", "bytes=0-1", "0", "audio/wav", a.noise(30), strings.Repeat("y", 5000)))
	}
	host := a.Addr
	if a.IntN(10) == 0 {
		host = pick(a, "", "evil.example", a.noise(20))
	}
	lines = append(lines, "Host: "+host)
	fields := a.fields()
	if strings.HasPrefix(e.Path, "/voices") {
		fields = a.voiceFields()
	}
	kind, body := a.body(fields)
	if (strings.HasSuffix(e.Path, "/clone") || strings.HasPrefix(e.Path, "/voices")) && a.IntN(2) == 0 {
		kind, body = a.form(fields)
	}
	if e.Method == http.MethodPost || e.Method == http.MethodPatch || a.IntN(5) == 0 {
		lines = append(lines, "Content-Type: "+kind)
		length := fmt.Sprint("Content-Length: ", len(body))
		lines = append(lines, pick(a, length, length, length, length, "Content-Length: -1", "Content-Length: 9999999999999", "Transfer-Encoding: chunked"))
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// path is a place for a file that an attacker would like.
func (a *Attacker) path() string {
	out := filepath.Join(a.Base, outName)
	return pick(a, out+"/a.wav", out+"/new/b.wav", out+"/letter.wav", out+"/notes.txt", out+"/up/secret.wav",
		out+"/up/c.wav", out+"/../d.wav", out+"/"+strings.Repeat("x", 300)+".wav",
		a.Base+"/secret.wav", "/etc/passwd", "/dev/null", "/proc/self/mem",
		"../e.wav", "", "~/f.wav", out+"/\x00.wav", out+"/\u2215g.wav", a.noise(40)+".wav")
}

// fields are known and unknown ones. What is asked for is always short: how long a voice without end speaks is not
// the question here.
func (a *Attacker) fields() map[string]any {
	fields := map[string]any{
		"model_id": pick(a, slices.Concat(a.Models, []string{"a/b", "../x", ""})...),
		"text":     pick(a, "Hello.", "Hello.", "", "\x1b[2J", strings.Repeat("a", 20_000)),
		"speaker":  pick(a, "Ryan", "../Ryan", ""), "instruct": pick(a, "calm", ""), "output_path": a.path(),
		"ref_audio_path": a.path(), "language": pick(a, "English", "Elvish"),
		"temperature": 0.5, "seed": 1, "top_k": 5, "ref_text": "",
	}
	a.spoil(fields)
	fields["max_frames"] = pick[any](a, 3, 3, 3, 3, 3, 3, 0, -1, 1e300, "3")
	if a.IntN(10) == 0 {
		fields["voice"] = pick(a, "Eve", "Nobody", "../x", a.noise(80))
	}
	if a.IntN(5) == 0 {
		fields["ref_audio_base64"] = a.base64()
	}
	return fields
}

// voiceFields are those of a saved voice.
func (a *Attacker) voiceFields() map[string]any {
	fields := map[string]any{
		"name":     pick(a, "Eve", "Eve", "Mallory", "", "../../x", "a\nb", strings.Repeat("n", 17), a.noise(10)),
		"ref_text": pick(a, "Hello.", "", "\x1b[2J", strings.Repeat("a", 2001)), "ref_audio_path": a.path(),
		"ref_audio_base64": a.base64(),
	}
	delete(fields, pick(a, "ref_audio_path", "ref_audio_path", "ref_audio_path", "ref_audio_base64", "none of them"))
	if a.IntN(3) == 0 {
		a.spoil(fields)
	}
	return fields
}

// spoil leaves out most fields, and gives others values of another kind.
func (a *Attacker) spoil(fields map[string]any) {
	for name := range maps.Clone(fields) {
		switch a.IntN(10) {
		case 0:
			fields[name] = pick[any](a, nil, -1, 1e300, true, []any{}, map[string]any{"a": 1}, strings.Repeat("[", 200))
		case 1, 2, 3, 4, 5:
			delete(fields, name)
		}
	}
}

// base64 is a clip as JSON has it, or nearly so.
func (a *Attacker) base64() string {
	clip := base64.StdEncoding.EncodeToString(a.clip())
	return pick(a, clip, clip, strings.TrimRight(clip, "="), "data:audio/wav;base64,"+clip, a.noise(100))
}

// clip is a sound file, whole, cut, changed or none at all.
func (a *Attacker) clip() []byte {
	clip := bytes.Clone(a.Clip)
	switch a.IntN(5) {
	case 0:
		return clip[:a.IntN(len(clip)+1)]
	case 1:
		for range 5 {
			clip[a.IntN(min(64, len(clip)))] = byte(a.Uint32()) // the header, which makes promises
		}
		return clip
	case 2:
		return []byte(a.noise(2000))
	}
	return clip
}

// body is a Content-Type and mostly JSON, often with one byte too few or another.
func (a *Attacker) body(fields map[string]any) (kind, body string) {
	kind = pick(a, "application/json", "application/json", "application/json", "application/json; charset=x",
		"text/plain", "multipart/form-data; boundary=x", a.noise(10))
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err) // it is made of what JSON has
	}
	if a.IntN(4) == 0 {
		data[a.IntN(len(data))] = byte(a.Uint32())
	}
	return kind, pick(a, string(data), string(data), string(data), string(data[:a.IntN(len(data)+1)]),
		"{}", "", strings.Repeat("[", 20_000), a.noise(200), `{"model_id":"`+strings.Repeat("a", 1<<20)+`"}`)
}

// form is a Content-Type and a form with a clip in it, often one that lies.
func (a *Attacker) form(fields map[string]any) (kind, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if a.IntN(4) != 0 { // else there are two clips
		delete(fields, "ref_audio_path")
		delete(fields, "ref_audio_base64")
	}
	for name, value := range fields {
		_ = w.WriteField(name, fmt.Sprint(value)) // a Buffer takes everything
		if a.IntN(30) == 0 {
			_ = w.WriteField(name, "again")
		}
	}
	for range pick(a, 1, 1, 1, 1, 0, 2) {
		part, err := w.CreateFormFile(pick(a, "ref_audio", "ref_audio", "ref_audio", "file"), pick(a, "me.wav", "../../../etc/me.wav", "\x00", a.noise(20)))
		if err == nil {
			_, _ = part.Write(a.clip())
		}
	}
	_ = w.Close()
	body = b.String()
	kind = pick(a, w.FormDataContentType(), w.FormDataContentType(), w.FormDataContentType(), "multipart/form-data", "multipart/form-data; boundary=other")
	return kind, pick(a, body, body, body, body[:a.IntN(len(body))])
}
