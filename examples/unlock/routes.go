package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// route is a request in the file of -routes.
type route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

func (r route) forClient() orgusers.Endpoint {
	return orgusers.Endpoint{Method: r.Method, Path: r.Path}
}

func readRoutes(file string) (orgusers.Endpoints, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return orgusers.Endpoints{}, program.Misuse("-routes: %w", err)
	}
	var routes struct {
		Unlock             route `json:"unlock"`
		ResetMFA           route `json:"reset_mfa"`
		ForcePasswordReset route `json:"force_password_reset"`
		EndSessions        route `json:"end_sessions"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&routes)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one object")
		}
	}
	if err != nil {
		return orgusers.Endpoints{}, program.Misuse("-routes: %s: %w", file, err)
	}
	return orgusers.Endpoints{
		Unlock:             routes.Unlock.forClient(),
		ResetMFA:           routes.ResetMFA.forClient(),
		ForcePasswordReset: routes.ForcePasswordReset.forClient(),
		EndSessions:        routes.EndSessions.forClient(),
	}, nil
}
