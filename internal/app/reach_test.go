package app

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/tts"
)

func TestResolve(t *testing.T) {
	names := map[string][]netip.Addr{}
	for name, list := range map[string][]string{
		"localhost": {"::1", "127.0.0.1"}, "six": {"::1"}, "desk": {"192.168.1.7"}, "both": {"127.0.0.1", "192.168.1.7"},
		"mapped": {"::ffff:127.0.0.1"}, "mapped-desk": {"::ffff:10.0.0.1"}, "nothing": {}, "wide": {"fd00::7", "10.0.0.2"},
	} {
		names[name] = []netip.Addr{}
		for _, addr := range list {
			names[name] = append(names[name], netip.MustParseAddr(addr))
		}
	}
	look := func(_ context.Context, network, host string) ([]netip.Addr, error) {
		if list, ok := names[host]; ok && network == "ip" {
			return list, nil
		}
		return nil, errors.New("no such host")
	}
	for _, c := range []struct {
		host, addr string
		local      bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.8.8.8", "127.8.8.8", true},
		{"::1", "::1", true},
		{"::ffff:127.0.0.1", "127.0.0.1", true},
		{"localhost", "127.0.0.1", true},
		{"six", "::1", true},
		{"mapped", "127.0.0.1", true},
		{"mapped-desk", "10.0.0.1", false},
		{"both", "127.0.0.1", false},
		{"desk", "192.168.1.7", false},
		{"wide", "10.0.0.2", false},
		{"0.0.0.0", "0.0.0.0", false},
		{"::", "::", false},
		{"", "::", false},
		{"192.168.1.7", "192.168.1.7", false},
		{"fe80::1%eth0", "fe80::1%eth0", false},
		{"169.254.1.1", "169.254.1.1", false},
	} {
		addr, local, err := resolve(t.Context(), c.host, look)
		if err != nil || addr != netip.MustParseAddr(c.addr) || local != c.local {
			t.Errorf("%q: %v, local %v, %v; want %s, %v", c.host, addr, local, err, c.addr, c.local)
		}
	}
	for _, host := range []string{"nothing", "absent", "127.0.0.1:80", "[::1]", "0177.0.0.1", "2130706433", " "} {
		if _, local, err := resolve(t.Context(), host, look); tts.CodeOf(err) != tts.CodeInvalid || tts.HintOf(err) == "" || local {
			t.Errorf("%q: local %v, %v", host, local, err)
		}
	}
}

func TestNewGuard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		local            bool
		file             string
		token, elsewhere bool
		code             tts.Code
	}{
		{true, "", false, false, ""},
		{true, file, true, false, ""},
		{false, file, true, true, ""},
		{false, "", false, false, tts.CodeDenied},
		{false, file + "x", false, false, tts.CodeNotFound},
		{true, file + "x", false, false, tts.CodeNotFound},
	} {
		g, err := newGuard("desk", c.local, c.file)
		if (g.Token != nil) != c.token || (g.Host == "desk") != c.elsewhere || tts.CodeOf(err) != c.code || (err != nil && tts.HintOf(err) == "") {
			t.Errorf("local %v, token file %q: %+v, %v", c.local, c.file, g, err)
		}
	}
}
