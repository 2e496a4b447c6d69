package app

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"ttsui/internal/server"
	"ttsui/internal/tts"
)

// lookup gives the addresses of a host, as net.Resolver.LookupNetIP does.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// lookUp is resolve by the system, within the time that finding others may take.
func lookUp(ctx context.Context, host string) (addr string, local bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	ip, local, err := resolve(ctx, host, net.DefaultResolver.LookupNetIP)
	return ip.String(), local, err
}

// resolve gives the address to listen on for host, an address or a name, and tells whether only this machine can
// reach it. A name can mean anything and more than one thing: each of its addresses counts. "" is every address, as
// it is for package net.
func resolve(ctx context.Context, host string, look lookup) (addr netip.Addr, local bool, err error) {
	if host == "" {
		return netip.IPv6Unspecified(), false, nil
	}
	addrs := []netip.Addr{}
	if addr, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, addr)
	} else if addrs, err = look(ctx, "ip", host); err != nil {
		return netip.Addr{}, false, tts.Errorf(tts.CodeInvalid, "Use 127.0.0.1, or a name or address of this machine.", "host %q: %w", host, err)
	}
	if len(addrs) == 0 {
		return netip.Addr{}, false, tts.Errorf(tts.CodeInvalid, "Use 127.0.0.1, or a name or address of this machine.", "host %q has no address", host)
	}
	local = true
	for i, a := range addrs {
		addrs[i] = a.Unmap()
		local = local && addrs[i].IsLoopback()
	}
	first := max(0, slices.IndexFunc(addrs, netip.Addr.Is4)) // what net.Listen prefers, too
	return addrs[first], local, nil
}

// newGuard makes the guard of a server that clients call host. Whatever can be reached from elsewhere has a token.
func newGuard(host string, local bool, tokenFile string) (server.Guard, error) {
	var g server.Guard
	if tokenFile != "" {
		var err error
		if g.Token, err = server.ReadToken(tokenFile); err != nil {
			return g, err
		}
	}
	if local {
		return g, nil
	}
	if g.Token == nil {
		return g, tts.Errorf(tts.CodeDenied, "Use 127.0.0.1, or set a password for everybody else: openssl rand -hex 32 > token; chmod 600 token; ttsui serve --token-file token",
			"host %q lets other machines in", host)
	}
	g.Host = host
	return g, nil
}
