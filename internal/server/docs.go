package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"ttsui/resources"
)

// openAPI sends the description of the endpoints.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	s.write(w, r, []byte(resources.OpenAPI))
}

// docs sends the same as a page. Of all that a page can do, it may only have its own style.
func (s *Server) docs(w http.ResponseWriter, r *http.Request) {
	page, err := renderDocs(resources.OpenAPI)
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	hash := sha256.Sum256([]byte(resources.DocsStyle))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	s.write(w, r, page)
}
