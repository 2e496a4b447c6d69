package server

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

// backlog is how many pieces of audio wait for the client. Models speak eight frames at a time, so it holds any text
// whole that isn't cut into segments, and of a long one some forty minutes.
const backlog = tts.MaxFrames / 4

// chooseStream decides by the header Accept whether the answer is audio, and of which kind; nil is JSON. A client that
// takes anything gets JSON about its file, and without a file the audio.
func chooseStream(accept []string, file bool) (*audio.Stream, error) {
	wav, l16 := audio.WAVStream(), audio.L16Stream()
	ranges := parseAccept(strings.Join(accept, ","))
	if len(accept) == 0 {
		ranges = []mediaRange{{kind: "*/*"}}
	}
	for _, r := range ranges {
		switch r.kind {
		case "*/*":
			if file {
				return nil, nil
			}
			return &wav, nil
		case "application/json", "application/*":
			return nil, nil
		case "audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/*":
			return &wav, nil
		case "audio/l16":
			rate, channels := r.params["rate"], r.params["channels"]
			if cmp.Or(rate, strconv.Itoa(tts.SampleRate)) == strconv.Itoa(tts.SampleRate) && cmp.Or(channels, "1") == "1" {
				return &l16, nil
			}
		}
	}
	return nil, refuse(http.StatusNotAcceptable, "Accept audio/wav, "+l16.Type+", or application/json about the file at output_path.",
		"%.200q is nothing that can be answered with", strings.Join(accept, ","))
}

// mediaRange is what a client takes.
type mediaRange struct {
	kind   string // in lower case
	params map[string]string
	weight float64
}

// parseAccept lists what a client takes, what it likes best first. What can't be read, it doesn't take.
func parseAccept(header string) []mediaRange {
	var list []mediaRange
	for item := range strings.SplitSeq(header, ",") {
		kind, params, err := mime.ParseMediaType(item)
		weight, errWeight := strconv.ParseFloat(cmp.Or(params["q"], "1"), 64)
		if err == nil && errWeight == nil && weight > 0 {
			list = append(list, mediaRange{kind, params, weight})
		}
	}
	slices.SortStableFunc(list, func(a, b mediaRange) int { return cmp.Compare(b.weight, a.weight) })
	return list
}

// speakAloud answers with audio as it is made. An error before the first of it is answered as any other; after it, the
// connection breaks, so that the client can tell it from the end.
func (s *Server) speakAloud(w http.ResponseWriter, r *http.Request, stream audio.Stream, req tts.Request) {
	ctx, hangUp := context.WithCancelCause(r.Context())
	a := &audioAnswer{w: w, conn: http.NewResponseController(w), stream: stream, waiting: make(chan []byte, backlog), end: ctx.Done()}
	req.Audio = a
	err := s.speakTo(ctx, hangUp, a, req, describe(r))
	_ = a.conn.SetWriteDeadline(time.Now().Add(stallTimeout)) // for what net/http sends at the end
	switch {
	case err == nil:
	case a.begun:
		s.log.Info().Msgf("Broke off an answer of audio: %v", err)
		panic(http.ErrAbortHandler)
	default:
		s.writeError(w, r, err)
	}
}

// speakTo has the service speak, and sends what it says meanwhile. When it returns, also by a panic, nobody uses the
// connection any more.
func (s *Server) speakTo(ctx context.Context, hangUp context.CancelCauseFunc, a *audioAnswer, req tts.Request, what string) (err error) {
	hurried := make(chan struct{})
	calm := context.AfterFunc(ctx, func() {
		_ = a.conn.SetWriteDeadline(time.Now()) // ends a Write that waits for the client
		close(hurried)
	})
	var sending sync.WaitGroup
	sending.Go(func() { hangUpOn(s.survive("sending audio for "+what, a.send), hangUp) })
	err = errGone(context.Canceled) // stands when Generate panics
	defer func() {
		hangUpOn(err, hangUp)
		close(a.waiting)
		sending.Wait()
		if !calm() {
			<-hurried
			err = cmp.Or(err, context.Cause(ctx))
		}
		hangUp(nil)
	}()
	_, err = s.service.Generate(ctx, req)
	return err
}

// hangUpOn ends a context for a reason, if there is one.
func hangUpOn(err error, hangUp context.CancelCauseFunc) {
	if err != nil {
		hangUp(err)
	}
}

// audioAnswer sends audio to a client. What is made faster than the client takes it waits here, so that who listens at
// the pace of speech holds up no other generation.
type audioAnswer struct {
	w       http.ResponseWriter
	conn    *http.ResponseController
	stream  audio.Stream
	waiting chan []byte
	end     <-chan struct{} // closed when nobody wants it any more
	begun   bool
}

// WriteSamples implements tts.Sink.
func (a *audioAnswer) WriteSamples(pcm []float32) error {
	select {
	case a.waiting <- a.stream.Append(nil, pcm):
		return nil
	case <-a.end:
		return errGone(context.Canceled)
	}
}

// send sends what waits until there is no more.
func (a *audioAnswer) send() error {
	for audio := range a.waiting {
		if err := a.write(audio); err != nil {
			return err
		}
	}
	return nil
}

func (a *audioAnswer) write(audio []byte) error {
	_ = a.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
	select {
	case <-a.end: // asked after the deadline was set: the one that hurries, which may have come before, is gone
		return errGone(context.Canceled)
	default:
	}
	if !a.begun {
		a.begun = true
		a.w.Header().Set("Content-Type", a.stream.Type)
		audio = append(slices.Clone(a.stream.Header), audio...)
	}
	_, err := a.w.Write(audio)
	if err == nil {
		err = a.conn.Flush()
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tts.Errorf(tts.CodeTimeout, "Read the audio as it comes, or ask for a file.", "the client took no audio for %s", stallTimeout)
	case err != nil:
		return errGone(err)
	}
	return nil
}

func errGone(err error) error {
	return tts.Errorf(tts.CodeCanceled, "Ask again.", "the client went away: %w", err)
}
