package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"ttsui/resources"
)

// openAPI sends the description of the endpoints.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	s.write(w, []byte(resources.OpenAPI))
}

// docs sends the same as a page. Of all that a page can do, it may only have its own style.
func (s *Server) docs(w http.ResponseWriter, _ *http.Request) {
	page, err := renderDocs(resources.OpenAPI)
	if err != nil {
		s.writeError(w, err)
		return
	}
	hash := sha256.Sum256([]byte(resources.DocsStyle))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	s.write(w, page)
}

// write sends a whole answer.
func (s *Server) write(w http.ResponseWriter, data []byte) {
	if _, err := w.Write(data); err != nil {
		s.log.Debug().Msgf("The client took no answer: %v", err)
	}
}
