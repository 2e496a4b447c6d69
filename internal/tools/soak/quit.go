package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"ttsui/internal/tts"
)

// quitAtWork ends servers by SIGTERM that are busy in every way, and looks at what is left.
func quitAtWork(ctx context.Context, w *world, o options, r *report) error {
	var seconds []float64
	var left, faults []string
	for range o.quits {
		took, found, err := quitOnce(ctx, w)
		if err != nil {
			return err
		}
		seconds = append(seconds, took.Seconds())
		left = append(left, found.left...)
		faults = append(faults, found.faults...)
	}
	r.note("servers ended at work", float64(len(seconds)))
	r.note("seconds to the end, p50", quantile(seconds, 0.5))
	r.most("seconds to the end, max", quantile(seconds, 1), 5)
	r.none("files left behind", left)
	r.none("faults in the log", faults)
	return nil
}

// remains is what a server left that has ended.
type remains struct{ left, faults []string }

func quitOnce(ctx context.Context, w *world) (took time.Duration, found remains, err error) {
	p, err := w.start(ctx)
	if err != nil {
		return 0, found, err
	}
	defer func() { _ = p.kill() }()
	if err := p.load(ctx, controlID, designID); err != nil {
		return 0, found, err
	}
	dir := filepath.Join(w.results(), "quit")
	var asking sync.WaitGroup
	defer asking.Wait()
	whole := make(chan string, 4)
	for n := range cap(whole) { // one has its turn, the others wait for theirs
		path := filepath.Join(dir, fmt.Sprintf("%d.wav", n))
		asking.Go(func() {
			if _, err := p.Generate(ctx, control(tts.MaxFrames, path)); err == nil {
				whole <- path
			}
		})
	}
	if err := p.speaking(ctx); err != nil {
		return 0, found, err
	}
	conns, err := p.bother()
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	if err != nil {
		return 0, found, err
	}
	if took, err = p.stop(); err != nil {
		return took, found, err
	}
	asking.Wait()
	found.faults = p.faults()
	if len(whole) > 0 {
		return took, found, fmt.Errorf("the generation was too short for this: %s is whole", <-whole)
	}
	found.left, _ = filepath.Glob(dir + "*") // the folder was made for the files
	halves, clips, err := w.leftovers()
	if pid, err := w.announced(); pid != 0 || err != nil {
		found.left = append(found.left, fmt.Sprintf("server.json names %d: %v", pid, err))
	}
	found.left = append(append(found.left, halves...), clips...)
	return took, found, err
}

// bother opens connections of clients that stall in all ways: with the log, with audio, before, in and after their
// requests.
func (p *process) bother() (conns []net.Conn, err error) {
	head := " HTTP/1.1\r\nHost: " + p.addr + "\r\n"
	log := "GET /logs/stream?since=0" + head + "\r\n"
	speak := `{"model_id":"` + designID + `","text":"On and on.","instruct":"calm"}`
	for _, text := range []string{
		"", "GET /health HTTP/1.1\r\nHo", log, log, log,
		"GET /health" + head + "\r\n",
		"POST /models/load" + head + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"POST /generate/clone" + head + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"ref_audio\"; filename=\"a.wav\"\r\n\r\nRIFF",
		fmt.Sprintf("POST /generate/design%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", head, len(speak), speak),
	} {
		conn, err := p.send(text)
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
	}
	return conns, nil
}
