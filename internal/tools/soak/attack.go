package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"ttsui/internal/testkit/attack"
)

// attackers is how many attack at the same time.
const attackers = 4

// attackIt sends hostile requests to a server with real models, and looks at its files, its memory and its log.
func attackIt(ctx context.Context, w *world, o options, r *report) error {
	base := filepath.Join(w.dir, "attacked")
	out, err := attack.LayBait(base)
	if err != nil {
		return err
	}
	p, err := w.start(ctx, "--timeout", "5s", "--output-root", out)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	target := attack.Target{Addr: p.addr, Base: base, Models: []string{cloneID, cloneID, controlID, controlID, designID}, Clip: w.clip}
	if target.Endpoints, err = endpoints(ctx, p.addr); err != nil {
		return err
	}
	if err := p.load(ctx, cloneID, controlID, designID); err != nil {
		return err
	}
	before, err := p.Stats(ctx)
	if err != nil {
		return err
	}
	open := p.handles()
	statuses, wrong := fire(target, o.attacks)
	after, err := p.Stats(ctx)
	if err != nil {
		return fmt.Errorf("the server does not answer any more: %w\n%s", err, p.tail())
	}
	r.note("hostile requests", float64(o.attacks))
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		r.note(fmt.Sprintf("answered by %d", status), float64(statuses[status]))
	}
	r.none("answers that are no proper ones", wrong)
	r.none("faults in the log", p.faults())
	var touched []string
	if err := attack.CheckBait(base); err != nil {
		touched = append(touched, err.Error())
	}
	r.none("files that were not to be touched, and were", touched)
	r.most("RSS more than before, MiB", *after.Memory.RSSMB-*before.Memory.RSSMB, 128)
	r.most("open files more than before, once heartbeats failed", float64(p.settle(open)), 2)
	if err := p.load(ctx, controlID); err != nil {
		return err
	}
	if _, err := p.Generate(ctx, control(4, filepath.Join(w.results(), "after.wav"))); err != nil {
		return err
	}
	if _, err := p.stop(); err != nil {
		return err
	}
	_, clips, err := w.leftovers()
	r.none("clips of requests left behind", clips)
	return err
}

// settle waits until no more files are open than before, and tells how many more are. Who follows events and has
// sent too much is found to be gone by the second heartbeat.
func (p *process) settle(before int) (more int) {
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) { // the system tells nothing by itself
		more = p.handles() - before
		if more <= 0 || time.Since(began) > 40*time.Second {
			return more
		}
	}
}

// fire lets all attackers loose and counts what they get.
func fire(target attack.Target, requests int) (statuses map[int]int, wrong []string) {
	statuses = map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range attackers {
		all.Go(func() {
			a := attack.New(uint64(i), target)
			for n := i; n < requests; n += attackers {
				raw := a.Request()
				status, err := a.Fire(raw)
				mu.Lock()
				statuses[status]++
				if err != nil {
					wrong = append(wrong, fmt.Sprintf("%.200q: %v", raw, err))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return statuses, wrong
}

// endpoints asks the server what there is to attack: a new endpoint is attacked without anybody thinking of it.
func endpoints(ctx context.Context, addr string) ([]attack.Endpoint, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/no/such", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	list := []attack.Endpoint{{Method: "GET", Path: "/no/such"}, {Method: "OPTIONS", Path: "*"}, {Method: "DELETE", Path: "/models"}, {Method: "BREW", Path: "/health"}}
	for _, found := range regexp.MustCompile(`(GET|POST|PATCH|DELETE) (/[a-z/{}.]+)`).FindAllStringSubmatch(string(text), -1) {
		list = append(list, attack.Endpoint{Method: found[1], Path: found[2]})
		if found[1] == "POST" { // where there is more to break
			list = append(list, attack.Endpoint{Method: found[1], Path: found[2]})
		}
	}
	if len(list) < 15 {
		return nil, fmt.Errorf("the server names %d endpoints: %s", len(list), text)
	}
	return list, nil
}
