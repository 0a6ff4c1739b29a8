//! Functions that stand in for DataFusion's under the same name.

/// Name, aliases, signature and type of the function in the field `other`.
macro_rules! named_like_other {
    () => {
        fn name(&self) -> &str {
            self.other.name()
        }

        fn aliases(&self) -> &[String] {
            self.other.aliases()
        }

        fn signature(&self) -> &Signature {
            self.other.signature()
        }

        fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
            self.other.return_type(arguments)
        }
    };
}
