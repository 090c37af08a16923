# Two commands matter: `make course` and `make test`. Each does all of its own set-up.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= python3
PYCACHESIM := pycachesim==0.3.1
PORT ?= 8000
BIN := .venv/bin
INSTALLED := .venv/.installed
BOOK := $(BIN)/jupyter-book build . -n -W --keep-going
SAMPLE := memory/soa_vs_aos

TEX_PACKAGES := texlive-xetex texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended \
	latexmk xindy tex-gyre fonts-freefont-otf
BROWSER_PACKAGES := chromium fonts-dejavu-core
PDF_TEXT_PACKAGES := poppler-utils
COMPILER_PACKAGES := gcc libc6-dev
TRACE_PACKAGES := strace
SANDBOX_PACKAGES := bubblewrap util-linux
SIMULATOR_PACKAGES := valgrind gcc libc6-dev python3-dev
DATABASE_PACKAGES := postgresql

export PYTHON
# Programs of the environment that call each other by bare name find each other.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help course test exercises html pdf serve lab class lint bench attacks clean sample debian-tex debian-test

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

course: exercises html sample ## Everything: environment, exercises, the book as HTML, a graded sample class
	@echo
	@echo "The book:          $(CURDIR)/_build/html/index.html   (or: make serve)"
	@echo "Your exercises:    make lab"

test: $(INSTALLED) debian-tex debian-test ## Check everything, as CI does
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest

exercises: $(INSTALLED) ## Check solutions/ and write exercises/ from it
	@$(BIN)/perflab exercises

# A page that is not read again does not warn again: after a build that failed, start from fresh pages.
html: exercises ## Build the book as HTML into _build/html
	@test -e _build/.built || rm -rf _build/html _build/.doctrees
	@rm -f _build/.built
	@$(BOOK) --builder html
	@touch _build/.built

pdf: exercises debian-tex ## Build the book as PDF by LaTeX into _build/pdf
	@command -v latexmk >/dev/null || { echo "The PDF needs LaTeX; see the line above." >&2; exit 1; }
	@rm -rf _build/pdf
	@$(BOOK) --builder pdflatex --path-output _build/pdf
	@echo "The book: $(CURDIR)/_build/pdf/_build/latex/book.pdf"

serve: html ## Show the book on this machine, at http://localhost:8000 (PORT=...)
	@echo "The book: http://localhost:$(PORT)   (stop with Ctrl-C)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: exercises ## Work on your own copies of the exercises in JupyterLab
	@$(BIN)/perflab work
	@$(BIN)/jupyter lab --notebook-dir=work

class: $(INSTALLED) ## Build the nbgrader course in class/
	@$(BIN)/perflab class

lint: $(INSTALLED) ## Check style, sources and that exercises/ matches solutions/
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/perflab exercises --check

bench: $(INSTALLED) ## Run the measurements in benchmarks/; tables and JSON in _build/benchmarks
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

attacks: $(INSTALLED) ## Let all attacks loose on the judge, and on stock nbgrader; print what each earned
	@$(BIN)/python tests/grading/attack_table.py

clean: ## Remove what was built; your work/ and class/ stay
	rm -rf _build .pytest_cache .ruff_cache

sample: exercises
	@$(BIN)/perflab sample solutions/$(SAMPLE).py tests/exercises/$(SAMPLE).py _build/sample-class

debian-tex:
	@.ci/debian "the PDF and its tests" $(TEX_PACKAGES)

debian-test:
	@.ci/debian "the browser tests" $(BROWSER_PACKAGES)
	@.ci/debian "the tests of the PDF's text" $(PDF_TEXT_PACKAGES)
	@.ci/debian "the tests of the C kernels" $(COMPILER_PACKAGES)
	@.ci/debian "the tests of system call counts" $(TRACE_PACKAGES)
	@.ci/debian "the judge's sandbox" $(SANDBOX_PACKAGES)
	@.ci/debian "other simulators, to compare ours with" $(SIMULATOR_PACKAGES)
	@$(BIN)/python -c "import cachesim" 2>/dev/null || $(BIN)/python -m pip install --quiet --no-deps $(PYCACHESIM) || \
		echo "No $(PYCACHESIM): it needs a C compiler and Python's headers. Tests that need it are skipped."
	@.ci/debian "the tests of a gradebook in PostgreSQL" $(DATABASE_PACKAGES)

$(INSTALLED): requirements.txt pyproject.toml .ci/venv
	@.ci/venv
