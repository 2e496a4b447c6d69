package client_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"ttsui/internal/client"
	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/server"
	"ttsui/internal/speech"
	"ttsui/internal/speech/servicetest"
	"ttsui/internal/tts"
	"ttsui/internal/voices"
)

// openService is the service of this process over small models.
func openService(t *testing.T, tones *registrytest.Tones) *speech.Service {
	r := registry.New(registry.Config{Loader: tones, Log: zerolog.Nop()})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &speech.Service{Registry: r, Log: zerolog.Nop(), Voices: &voices.Store{Dir: filepath.Join(t.TempDir(), "clone")}}
}

// serve lets a server answer for a service until the test ends, and gives its address.
func serve(t *testing.T, service tts.Service, guard server.Guard) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := server.Config{Service: service, Log: zerolog.Nop(), Guard: guard}
	if s, ok := service.(*speech.Service); ok {
		config.Voices = s.Voices
	}
	s := server.New(config)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// TestContract holds the service of this process and the client of a server to the same contract.
func TestContract(t *testing.T) {
	reference, err := filepath.Abs(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("voices in process", func(t *testing.T) {
		servicetest.RunVoices(t, servicetest.VoicesSubject{Reference: reference, Open: func(t *testing.T, tones *registrytest.Tones) (tts.Service, tts.Voices) {
			s := openService(t, tones)
			return s, s.Voices
		}})
	})
	t.Run("voices over HTTP", func(t *testing.T) {
		servicetest.RunVoices(t, servicetest.VoicesSubject{Reference: reference, Open: func(t *testing.T, tones *registrytest.Tones) (tts.Service, tts.Voices) {
			c := dial(t, serve(t, openService(t, tones), server.Guard{}), client.Options{})
			return c, c
		}})
	})
	t.Run("in process", func(t *testing.T) {
		servicetest.Run(t, servicetest.Subject{Reference: reference, Open: func(t *testing.T, tones *registrytest.Tones) tts.Service {
			return openService(t, tones)
		}})
	})
	t.Run("over HTTP", func(t *testing.T) {
		servicetest.Run(t, servicetest.Subject{Reference: reference, Open: func(t *testing.T, tones *registrytest.Tones) tts.Service {
			return dial(t, serve(t, openService(t, tones), server.Guard{}), client.Options{})
		}})
	})
}

func TestTokenLetsIn(t *testing.T) {
	const password = "correct-horse-battery-staple"
	token, err := server.NewToken(password)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, openService(t, &registrytest.Tones{}), server.Guard{Token: token})
	if _, err := dial(t, addr, client.Options{Token: password}).Models(t.Context()); err != nil {
		t.Error("with the token:", err)
	}
	for _, wrong := range []string{"", password + "x"} {
		if _, err := dial(t, addr, client.Options{Token: wrong}).Models(t.Context()); tts.CodeOf(err) != tts.CodeDenied || tts.HintOf(err) == "" {
			t.Errorf("with the token %q: %v", wrong, err)
		}
	}
}
