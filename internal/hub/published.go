package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ttsui/internal/tts"
)

// mostPublished is far above how many there are.
const mostPublished = "200"

// Published asks for the ids of all published models of the family, in alphabetical order. The endpoints are asked in
// their order until one answers.
func (f *Fetcher) Published(ctx context.Context) ([]string, error) {
	defer f.Transport.CloseIdleConnections()
	if err := f.check(); err != nil {
		return nil, err
	}
	var first error
	for endpoint := range f.Endpoints {
		ids, err := f.publishedAt(ctx, endpoint)
		if err == nil || ctx.Err() != nil {
			return ids, err
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

// Copies asks for the smaller copies of a model that are published, and how large they are, the largest first.
func (f *Fetcher) Copies(ctx context.Context, id string) ([]tts.PublishedModel, error) {
	ids, err := f.Published(ctx)
	if err != nil {
		return nil, err
	}
	defer f.Transport.CloseIdleConnections()
	var copies []tts.PublishedModel
	for _, other := range ids {
		if !tts.IsCopy(other, id) {
			continue
		}
		list, err := f.List(ctx, other, "")
		switch code := tts.CodeOf(err); {
		case err == nil:
			copies = append(copies, tts.PublishedModel{ModelID: other, Bytes: list.Size()})
		case code != tts.CodeUnsupported && code != tts.CodeNotFound: // those are of no use to anybody
			return nil, err
		}
	}
	slices.SortStableFunc(copies, func(a, b tts.PublishedModel) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return copies, nil
}

func (f *Fetcher) publishedAt(ctx context.Context, endpoint int) (ids []string, err error) {
	retry := f.Retry
	retry.Tries = min(retry.Tries, listingTries)
	err = retry.persist(ctx, func() (bool, error) { ids, err = f.readPublished(ctx, endpoint); return false, err })
	var known *tts.Error
	switch {
	case err == nil:
		return ids, nil
	case errors.As(err, &known):
		return nil, tts.Errorf(known.Code, known.Hint, "ask which models there are: %w", err)
	}
	return nil, tts.Errorf(tts.CodeUnreachable, hintNetwork, "ask %s which models there are: %w", f.Endpoints[endpoint], err)
}

func (f *Fetcher) readPublished(ctx context.Context, endpoint int) ([]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.Stall, errStalled)
	defer cancel()
	query := url.Values{"author": {tts.PublisherOrg}, "search": {tts.FamilyName}, "limit": {mostPublished}}
	resp, err := f.ask(ctx, http.MethodGet, endpoint, "/api/models?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxListing))
	if err != nil {
		return nil, connectionError(ctx, err)
	}
	var list []struct{ ID string }
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, errNoHub()
	}
	var ids []string
	for _, m := range list {
		if tts.ValidModelID(m.ID) && strings.HasPrefix(m.ID, tts.PublisherOrg+"/"+tts.FamilyName) {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func errNoHub() error {
	return tts.Errorf(tts.CodeUnreachable, "Check HF_ENDPOINT and your proxy.", "the answer is not one of a hub")
}

const hintNetwork = "Check the network. A mirror can be set by HF_ENDPOINT, and further ones by TTSUI_MIRRORS."
