package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"ttsui/internal/tts"
)

// follower is a reader of the log who reads. Its fields are for who waited for its end.
type follower struct {
	got, repeated, missed, lost uint64
	last                        uint64
	broken                      int
}

func (f *follower) see(e tts.LogEvent) {
	switch {
	case e.Err != nil:
		f.broken++
	case e.Lost > 0:
		f.lost += e.Lost
		f.last += e.Lost
	case e.Entry != nil && e.Entry.ID <= f.last:
		f.repeated++
	case e.Entry != nil:
		f.missed += e.Entry.ID - f.last - 1
		f.last = e.Entry.ID
		f.got++
	}
}

// stallReaders lets three readers of the log stall while the log grows and a model speaks: the fourth gets every
// line, and nobody waits.
func stallReaders(ctx context.Context, w *world, o options, r *report) error {
	p, err := w.start(ctx, "--log-level", "debug")
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	if err := p.load(ctx, controlID); err != nil {
		return err
	}
	stalled, err := p.stall(3)
	if err != nil {
		return err
	}
	defer stalled()
	before, err := p.Stats(ctx)
	if err != nil {
		return err
	}
	reading, enough := context.WithCancel(ctx)
	defer enough()
	var f follower
	var background sync.WaitGroup
	until := make(chan uint64, 1)
	background.Go(func() { f.follow(reading, p, until, enough) })
	var spoken counter
	background.Go(func() {
		req := control(tts.MaxFrames, "")
		req.Audio = &spoken
		_, _ = p.Generate(reading, req) // ends with reading
	})
	probes := p.write(ctx, o.lines)
	page, err := p.Logs(ctx, tts.LogQuery{Limit: 1})
	if err != nil {
		return err
	}
	until <- page.LastID
	if err := p.load(ctx, controlID); err != nil { // one more line, by which the reader sees it
		return err
	}
	select {
	case <-reading.Done():
	case <-time.After(20 * time.Second):
		enough()
	}
	background.Wait()
	after, err := p.Stats(ctx)
	if err != nil {
		return err
	}
	r.least("lines of log, three readers stalled", float64(page.LastID), float64(o.lines))
	r.least("lines that the healthy reader got", float64(f.got), float64(page.LastID))
	r.most("missed by it", float64(f.missed), 0)
	r.most("repeated to it", float64(f.repeated), 0)
	r.most("told to it as lost", float64(f.lost), 0)
	r.most("its connections that broke", float64(f.broken), 0)
	probes.report(r, "requests meanwhile:", probes.took)
	r.least("seconds of audio meanwhile", float64(spoken.samples)/tts.SampleRate, 1)
	r.most("RSS more than before, MiB", *after.Memory.RSSMB-*before.Memory.RSSMB, 64)
	r.none("faults in the log", p.faults())
	_, err = p.stop()
	return err
}

// follow reads the log until the line that until names.
func (f *follower) follow(ctx context.Context, p *process, until <-chan uint64, enough func()) {
	var since, end uint64
	_ = p.FollowLogs(ctx, tts.LogQuery{Since: &since}, func(e tts.LogEvent) {
		f.see(e)
		select {
		case end = <-until:
		default:
		}
		if end > 0 && f.last >= end {
			enough()
		}
	})
}

// stall opens connections that ask for the log from its first line and read none of it. What it gives closes them.
func (p *process) stall(n int) (closeAll func(), err error) {
	var conns []net.Conn
	closeAll = func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	for range n {
		conn, err := p.send("GET /logs/stream?since=0 HTTP/1.1\r\nHost: " + p.addr + "\r\n\r\n")
		if err != nil {
			closeAll()
			return nil, err
		}
		conns = append(conns, conn)
	}
	return closeAll, nil
}

// send opens a connection that takes little before it is full, and sends text.
func (p *process) send(text string) (net.Conn, error) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	err = conn.(*net.TCPConn).SetReadBuffer(4096)
	if err == nil {
		_, err = io.WriteString(conn, text)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// writing is how requests went that made the log grow.
type writing struct {
	probe
	took time.Duration
}

// write makes the log grow by so many long lines, by asking for what there is not.
func (p *process) write(ctx context.Context, lines int) *writing {
	const clients = 2
	began := time.Now()
	url := "http://" + p.addr + "/" + strings.Repeat("long", 50)
	probes := make([]probe, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			b := &probes[i]
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for range lines / clients {
				began := time.Now()
				if err := get(ctx, c, url); err == nil || !strings.Contains(err.Error(), "404") {
					b.wrong = append(b.wrong, fmt.Sprint(err))
				}
				b.millis = append(b.millis, float64(time.Since(began).Microseconds())/1000)
			}
		})
	}
	all.Wait()
	w := &writing{took: time.Since(began)}
	for _, b := range probes {
		w.millis, w.wrong = append(w.millis, b.millis...), append(w.wrong, b.wrong...)
	}
	return w
}
