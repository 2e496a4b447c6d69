package server

import (
	"net"

	"github.com/go-chi/chi/v5"
)

// Routes gives the router, for tests that are to meet every route.
func (s *Server) Routes() chi.Routes { return s.router() }

// CheckHost is checkHost.
func (g Guard) CheckHost(host string, local *net.TCPAddr) error { return g.checkHost(host, local) }
