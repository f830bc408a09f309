"""The section `app` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.evaluation.settings import Embedder, Engine, Qdrant
from pipeline.params import Count, CountOrNone, Settings, Share


class AppSettings(Settings):
    chat_engine: Engine
    """What runs the chat model."""
    chat_model: str
    """The model that replies: a file or folder, or the name under which a server has it."""
    extraction_engine: Engine
    """What runs the extraction model."""
    extraction_model: str
    """The model that extracts memories: a file or folder, or the name under which a server has it."""
    embedder: Embedder
    """What embeds the memories: minilm, or ollama:<model>."""
    qdrant: Qdrant
    """Where the vectors lie: embedded (in `folder`) or a server's address."""
    folder: str
    """Where the page keeps everything: vectors, Mem0's log of changes, messages still to be added."""
    host: str
    """Address that the page listens on; any other than this machine's own needs a password."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """Port that the page listens on."""
    share: bool
    """Whether the page is also reached by a public gradio address, which needs a password."""
    threads: CountOrNone
    """Processor threads of a model; 0 takes all processors that this process may use."""
    reply_tokens: Count
    """Most tokens of a reply."""
    temperature: Annotated[float, Field(ge=0)]
    """How freely words are drawn; 0 always takes the likeliest."""
    top_k: CountOrNone
    """Most memories in a prompt."""
    threshold: Share
    """Least score of a memory in a prompt."""
    history: CountOrNone
    """Most earlier messages in a prompt."""
    remember_replies: Literal["auto", "always", "never"]
    """Whether Mem0 is given the replies too; auto: unless the same model chats and extracts."""

    @property
    def replies_remembered(self) -> bool:
        """Whether Mem0 is given the replies too. The extractor's own repeat memories and would be stored again."""
        same = (self.chat_engine, self.chat_model) == (self.extraction_engine, self.extraction_model)
        return self.remember_replies == "always" or (self.remember_replies == "auto" and not same)
