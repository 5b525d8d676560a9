//! llguidance for Node: which tokens of a vocabulary may come next in a text that a grammar describes.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie, INVALID_TOKEN};
use llguidance::{panic_utils, Matcher, ParserFactory};
use napi::bindgen_prelude::*;
use napi_derive::napi;

/// The tokens of a tokenizer as bytes; grammars are compiled for one.
#[napi]
pub struct Vocabulary(ParserFactory);

#[napi]
impl Vocabulary {
    /// `bytes` holds one token after another, `lengths` how long each is; an empty one never fits. `ends` end a text.
    #[napi(constructor)]
    pub fn new(bytes: &[u8], lengths: &[u32], ends: &[u32]) -> Result<Self> {
        panic_utils::catch_unwind(|| {
            let mut rest = bytes;
            let mut next = |length: &u32| {
                let (word, others) = rest.split_at(*length as usize);
                rest = others;
                word.to_vec()
            };
            let words: Vec<Vec<u8>> = lengths.iter().map(&mut next).collect();
            let mut trie =
                TokTrie::from(&TokRxInfo::new(words.len() as u32, INVALID_TOKEN), &words);
            if !ends.is_empty() {
                trie = trie.with_eos_tokens(ends);
            }
            let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
            let mut factory = ParserFactory::new_simple(&env)?;
            factory.quiet();
            factory.limits_mut().verbose_errors = false; // they would hold the text
            Ok(Self(factory))
        })
        .map_err(failure)
    }
}

/// A grammar, ready for texts to begin.
#[napi]
pub struct CompiledGrammar(Option<Matcher>);

#[napi]
impl CompiledGrammar {
    /// `kind` is `json_schema`, `regex` or `lark`.
    #[napi(constructor)]
    pub fn new(vocabulary: &Vocabulary, kind: String, grammar: String) -> Result<Self> {
        panic_utils::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let grammar = TopLevelGrammar::from_tagged_str(&kind, &grammar)?;
            let matcher = Matcher::new(vocabulary.0.create_parser(grammar));
            match matcher.get_error() {
                Some(reason) => anyhow::bail!(reason),
                None => Ok(Self(Some(matcher))),
            }
        }))
        .map_err(failure)
    }

    /// Begins a text.
    #[napi]
    pub fn start(&self) -> Result<GrammarState> {
        // what a text makes the lexer remember counts against its limits, so each has a lexer of its own
        let state = self.0.as_ref().ok_or_else(freed)?.deep_clone();
        Ok(GrammarState(Some(state)))
    }

    /// Gives its memory back at once; it can do nothing afterwards, the texts that it began can.
    #[napi]
    pub fn free(&mut self) {
        self.0 = None;
    }
}

/// How far a text has come in a grammar.
#[napi]
pub struct GrammarState(Option<Matcher>);

#[napi]
impl GrammarState {
    /// Writes 1 for each token that may come next, else 0.
    #[napi]
    pub fn write_allowed(&mut self, mut allowed: Uint8ArraySlice<'_>) -> Result<()> {
        let mask = self.matcher()?.compute_mask().map_err(failure)?;
        // SAFETY: JavaScript, which could write to it too, waits for this call
        let allowed = unsafe { allowed.as_mut() };
        allowed.fill(0);
        mask.iter_set_entries(|token| {
            if let Some(entry) = allowed.get_mut(token) {
                *entry = 1;
            }
        });
        Ok(())
    }

    /// Goes on by one token; true when nothing may follow it.
    #[napi]
    pub fn advance(&mut self, token: u32) -> Result<bool> {
        let matcher = self.matcher()?;
        matcher.consume_token(token).map_err(failure)?;
        let reason = matcher.stop_reason();
        if reason.is_ok() {
            return Ok(matcher.is_stopped());
        }
        Err(Error::from_reason(format!("the grammar stopped: {reason}")))
    }

    /// Gives its memory back at once; it can do nothing afterwards.
    #[napi]
    pub fn free(&mut self) {
        self.0 = None;
    }

    fn matcher(&mut self) -> Result<&mut Matcher> {
        self.0.as_mut().ok_or_else(freed)
    }
}

fn freed() -> Error {
    Error::from_reason("used after free()")
}

fn failure(error: impl std::fmt::Display) -> Error {
    Error::from_reason(error.to_string())
}
