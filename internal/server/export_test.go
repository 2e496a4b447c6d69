package server

import (
	"net"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Routes gives the router, for tests that are to meet every route.
func (s *Server) Routes() chi.Routes { return s.router() }

// CheckHost is checkHost.
func (g Guard) CheckHost(host string, local *net.TCPAddr) error { return g.checkHost(host, local) }

// Handler is what answers all requests.
func (s *Server) Handler() http.Handler { return s.handler() }

// Wrap puts next where the router is, without the guard before it.
func (s *Server) Wrap(next http.Handler) http.Handler { return s.logRequest(s.recoverPanic(next)) }
